"""The notice board as the answer to a page's poll, and the list of all notices.

Both kinds of account have a board; their guards differ, so each view stands here twice.
"""

from __future__ import annotations

from typing import Final, TypeAlias

from django.contrib import messages
from django.http import Http404
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control
from django.views.decorators.http import condition, require_POST, require_safe

from notifications import board as boards
from tenants.guards import ApplicantRequest, StaffRequest, applicant_required, staff_required

PER_PAGE: Final = 20
SignedIn: TypeAlias = ApplicantRequest | StaffRequest


def _etag(request: SignedIn) -> str:
    return f'"{boards.etag_of(request.user.pk)}"'


@require_safe
@cache_control(private=True, no_cache=True)
@condition(etag_func=_etag)
def _board(request: SignedIn) -> HttpResponseBase:
    """The lines of the board, or 304 when nothing is new since the page asked last."""
    lines = boards.notices_of(request.user)[: boards.ON_THE_BOARD]
    return render(request, "components/notice_list.html", {"notices": lines})


@require_safe
def _notices(request: SignedIn) -> HttpResponseBase:
    """All notices, newest first, a page at a time; `before` is the last one of the page before."""
    everything = boards.notices_of(request.user)
    before = request.GET.get("before", "")
    page = boards.page_before(everything, int(before) if before.isdecimal() else None, PER_PAGE + 1)
    lines = page[:PER_PAGE]
    context = {
        "notices": lines,
        "unread": boards.unread_count(request.user),
        "first_url": reverse("notices") if before else "",
        "next_url": f"{reverse('notices')}?before={lines[-1].pk}" if len(page) > PER_PAGE else "",
    }
    return render(request, "notices/all.html", context)


@require_POST
def _read(request: SignedIn, notice_id: int) -> HttpResponseBase:
    """Mark one notice as read and go where it points; a foreign or unknown one is not found."""
    notice = boards.notices_of(request.user).filter(pk=notice_id).first()
    if notice is None:
        raise Http404
    boards.mark_seen(request.user, notice.pk)
    return redirect(notice.url or "notices")


@require_POST
def _read_all(request: SignedIn) -> HttpResponseBase:
    """Mark everything as read."""
    if boards.mark_seen(request.user):
        messages.success(request, _("全部公告已标为已读。"))
    return redirect("notices")


board = applicant_required(_board)
notices = applicant_required(_notices)
read = applicant_required(_read)
read_all = applicant_required(_read_all)

staff_board = staff_required()(_board)
staff_notices = staff_required()(_notices)
staff_read = staff_required()(_read)
staff_read_all = staff_required()(_read_all)
