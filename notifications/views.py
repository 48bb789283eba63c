"""The notice board as the answer to a page's poll, and the list of all notices.

Both kinds of account have a board; their guards differ, so each view stands here twice. The applicant's
poll is `intake.views.home.notice_board`: its first line says where the application stands.
"""

from __future__ import annotations

from typing import Final, TypeAlias

from django.contrib import messages
from django.http import Http404
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control, never_cache
from django.views.decorators.http import condition, require_POST, require_safe

from notifications import board as boards
from notifications import post_office
from notifications.board import Choice, Place
from notifications.models import Notice
from tenants.guards import ApplicantRequest, StaffRequest, applicant_required, staff_required
from tenants.ways import own_page

PER_PAGE: Final = 20
SignedIn: TypeAlias = ApplicantRequest | StaffRequest


def _etag(request: SignedIn) -> str:
    return f'"{boards.etag_of(request.user.pk)}"'


@require_safe
@cache_control(private=True, no_cache=True)
@condition(etag_func=_etag)
def _board(request: SignedIn) -> HttpResponseBase:
    """The lines of the board, or 304 when nothing is new since the page asked last."""
    return render(request, "components/notice_list.html", boards.on_page(request.user))


@never_cache
@require_safe
def _notices(request: SignedIn) -> HttpResponseBase:
    """All notices, unread ones first, a page at a time: all kinds or one, all or only what is unread."""
    choice = Choice.of(request.GET)
    page = boards.page_of(
        choice.among(boards.notices_of(request.user)),
        PER_PAGE,
        after=Place.parse(request.GET.get("after", "")),
        before=Place.parse(request.GET.get("before", "")),
    )
    if request.user.is_applicant:
        _with_outcomes(page.notices)
    counts = boards.counts_of(request.user)
    context = {
        "notices": page.notices,
        "choice": choice,
        "tabs": [
            {
                "label": label,
                "url": choice.but(category=category).address(),
                "current": choice.category == category,
                "count": counts[category].unread if choice.unread else counts[category].all,
            }
            for category, label in (("", _("全部")), *Notice.Category.choices)
        ],
        "amount": counts[choice.category],
        "all_url": choice.but(unread=False).address(),
        "unread_url": choice.but(unread=True).address(),
        "board_page": request.get_full_path(),
        "previous_url": choice.address(before=page.before) if page.before else "",
        "next_url": choice.address(after=page.after) if page.after else "",
    }
    return render(request, "notices/all.html", context)


def _with_outcomes(notices: list[Notice]) -> None:
    """Let each notice know how far it came by e-mail and SMS: one query for all."""
    told = {one.notice: one for one in post_office.told_to_me(notices=[notice.pk for notice in notices])}
    for notice in notices:
        notice.told = told.get(notice.pk)  # type: ignore[attr-defined]


@require_POST
def _read(request: SignedIn, notice_id: int) -> HttpResponseBase:
    """Mark one notice as read; go where it points, or back to the list it was read in.

    A foreign or unknown one is not found.
    """
    notice = boards.notices_of(request.user).filter(pk=notice_id).first()
    if notice is None:
        raise Http404
    boards.mark_seen(request.user, notice.pk)
    if notice.url and "stay" not in request.POST:
        return redirect(notice.url)
    return redirect(_came_from(request))


@require_POST
def _read_all(request: SignedIn) -> HttpResponseBase:
    """Mark everything as read, or everything of one category."""
    choice = Choice.of(request.POST)
    if boards.mark_seen(request.user, category=choice.category):
        messages.success(request, _("公告已标为已读。"))
    return redirect(_came_from(request))


def _came_from(request: SignedIn) -> str:
    """The page of this site that the form names; otherwise the list of all notices."""
    return own_page(request, request.POST.get("next", ""), otherwise=reverse("notices"))


notices = applicant_required(_notices)
read = applicant_required(_read)
read_all = applicant_required(_read_all)

staff_board = staff_required()(_board)
staff_notices = staff_required()(_notices)
staff_read = staff_required()(_read)
staff_read_all = staff_required()(_read_all)
