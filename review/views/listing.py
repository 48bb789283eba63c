"""The queue page of both desks: tabs with their counts, filters in the address, rows, pages, ticked rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache
from typing import Any, Final, TypeVar
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import get_urlconf, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from register import clock, codes, documents
from register.models import DocketEntry, Kind
from review import bulk, inbox, presence, queue, saved
from review.forms.queue import FilterForm
from review.models import Case
from review.queue import Book, Cursor, Tab, Wish
from review.states import State
from review.views.desk import READERS, Text, actor, is_target, private
from review.workflow import Actor
from tenants.errors import Refusal
from tenants.guards import StaffRequest
from tenants.ways import own_page

Line = TypeVar("Line", Case, DocketEntry)
MOST_TICKED: Final = bulk.MOST
PLACE_COOKIE: Final = "queue"
MOST_QUERY: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of a queue as it is shown."""

    id: UUID
    reference: str
    name: str
    kind: Text
    category: str
    employer: str
    agency: str
    url: str
    # The tag of the state and the words of the deadline, as the page shows them.
    state: SafeString
    due: SafeString
    holder: str
    mine: bool
    # In the hands of an absent colleague for whom the reader stands in.
    covered: bool = False
    # Colleagues who have the case open at this moment.
    looking: str = ""


def row_of_case(case: Case, *, by: Actor) -> Row:
    return _row(case, case.pk, case.assignee, by=by, target=is_target(case))


def with_lookers(rows: Iterable[Row], *, user_id: int) -> list[Row]:
    """The rows, each with the colleagues who have the case open now: one look into the cache for the page."""
    rows = list(rows)
    seen = presence.seen_many([row.id for row in rows], but=user_id)
    return [replace(row, looking=presence.names(seen[row.id])) if row.id in seen else row for row in rows]


def row_of_entry(entry: DocketEntry, *, by: Actor, agency: str) -> Row:
    return _row(entry, entry.case_id, entry.officer, by=by, agency=agency)


def _row(
    line: Case | DocketEntry,
    key: UUID,
    holder: Any,
    *,
    by: Actor,
    target: bool = False,
    agency: str = "",
) -> Row:
    return Row(
        id=key,
        reference=line.reference,
        name=line.applicant_name,
        kind=Kind(line.kind).label,
        category=codes.label("category", line.category) if line.category else "",
        employer=line.employer_name,
        agency=agency,
        url=_case_url(get_urlconf()).replace(NO_ID, str(key)),
        state=_state_tag(State(line.state), get_language()),
        due=_due_words(
            clock.working_days_left(line.due_on) if line.due_on and line.clock else None,
            line.due_on,
            line.due_provisional,
            target,
            get_language(),
        ),
        holder=holder.display_name if holder else "",
        mine=bool(holder) and holder.pk == by.user_id,
        covered=bool(holder) and holder.pk in by.covers,
    )


# A page has fifty rows, but few states and days: each is drawn once, not row by row.
NO_ID: Final = str(UUID(int=0))


@lru_cache(maxsize=8)
def _case_url(urlconf: str | None) -> str:
    return reverse("case", args=[NO_ID])


@lru_cache(maxsize=64)
def _state_tag(state: State, language: str | None) -> SafeString:
    return render_to_string("components/state_tag.html", {"state": state})


@lru_cache(maxsize=2048)
def _due_words(
    left: int | None, day: date | None, provisional: bool, target: bool, language: str | None
) -> SafeString:
    told = {"left": left, "date": day, "provisional": provisional, "target": target, "compact": True}
    return render_to_string("components/due.html", told)


def context_of(
    request: StaffRequest,
    lines: QuerySet[Line],
    book: Book,
    form: FilterForm,
    show: Callable[[Line], Row],
) -> dict[str, Any]:
    """Everything the queue page of either desk shows: counts, rows, saved views, the reader's inbox."""
    wishes, asked = form.wishes(), form.data
    tab, wish = book.tab(asked.get("tab", "")), Wish(**wishes)
    user_id, covers = request.user.pk, actor(request).covers
    narrowed = queue.narrowed(lines, book, wish, user_id=user_id)
    found = queue.found(narrowed, book, wish, user_id=user_id, covers=covers)
    counted = _counted(narrowed, book, found, user_id=user_id, covers=covers, wish=wish)
    after, before = (Cursor.parse(asked.get(name, ""), tab) for name in ("after", "before"))
    few = bool(wish.search or wish.employer) and counted[tab.key] is not None
    kept = narrowed if found is None else lines.filter(pk__in=found[tab.key])
    listed = queue.listed(kept, book, tab, user_id=user_id, covers=covers, few=few)
    page = queue.page(listed, book, tab, after=after, before=before)
    if not (after or before or page.after):
        # The whole list is on the page: its figure is that of the rows, whatever happened in between.
        counted[tab.key] = len(page.rows)
    here = address(tab=tab.key, **wishes, after=after, before=before)
    return {
        "tab": tab,
        "tabs": _tabs(book, tab, counted, wishes),
        "filters": form,
        "filtered": bool(wishes),
        "by_document": "document" in wishes,
        "without_document_url": address(tab=tab.key, **{**wishes, "document": ""}),
        "unfiltered_url": address(tab=tab.key),
        "rows": [show(line) for line in page.rows],
        "total": counted[tab.key],
        "previous_url": address(tab=tab.key, **wishes, before=page.before) if page.before else "",
        "next_url": address(tab=tab.key, **wishes, after=page.after) if page.after else "",
        "here": here,
        "view_query": address(tab=tab.key, **wishes).partition("?")[2],
        "saved_views": saved.shown_to(request.user, request.agency, chosen={"tab": tab.key, **wishes}),
        "inbox": inbox.waiting(request.user),
        "opens": bool(request.roles & READERS),
    }


def _counted(
    narrowed: QuerySet[Line], book: Book, found: dict[str, list[Any]] | None, **whose: Any
) -> dict[str, int | None]:
    if found is None:
        return queue.counts(narrowed, book, **whose)
    return {key: len(keys) for key, keys in found.items()}


def _tabs(
    book: Book, chosen: Tab, counted: dict[str, int | None], wishes: dict[str, str]
) -> list[dict[str, Any]]:
    return [
        {
            "label": tab.label,
            "url": address(tab=tab.key, **wishes),
            "current": tab is chosen,
            "count": counted[tab.key],
        }
        for tab in book.tabs
    ]


def address(**parts: object) -> str:
    """The queue's address with tab, filters and place; what is empty is left out."""
    given = {name: str(value) for name, value in parts.items() if value}
    return f"{reverse('queue')}?{urlencode(given)}" if given else reverse("queue")


def answer(request: StaffRequest, template: str, context: dict[str, Any]) -> HttpResponse:
    """The queue page; where it stood is kept for the way back from a case."""
    status = 422 if request.method == "POST" else 200
    return private(remembering(context["here"], render(request, template, context, status=status), request))


def without_number(form: FilterForm, lines: QuerySet[Any], book: Book) -> HttpResponse | None:
    """To the list that the form asks for, whose address names a document number by its digest only.

    None where there is a fault to show. Digests are those of lines that there are, or else the first that
    the number may have: that list is empty.
    """
    wishes = form.wishes()
    if form.errors:
        return None
    if form.numbers:
        digests = [documents.digest(*each) for each in form.numbers]
        known = lines.filter(**{f"{book.document}__in": digests}).values_list(book.document, flat=True)
        wishes["document"] = ".".join(sorted(set(known.order_by()))) or digests[0]
    elif wishes.get("search"):
        wishes.pop("document", None)
    return redirect(address(tab=form.data.get("tab", ""), **wishes))


# --- Back to where one was ---------------------------------------------------------------------------


def remembering(here: str, response: HttpResponse, request: HttpRequest) -> HttpResponse:
    """Keep tab, filters and page of the queue in a cookie, so that a case leads back to them."""
    response.set_cookie(
        PLACE_COOKIE,
        here.partition("?")[2][:MOST_QUERY],
        httponly=True,
        samesite="Lax",
        secure=request.is_secure(),
    )
    return response


def remembered(request: HttpRequest) -> str:
    """The queue as the reader left it."""
    query = request.COOKIES.get(PLACE_COOKIE, "")
    return f"{reverse('queue')}?{query}" if query else reverse("queue")


# --- Ticked rows -------------------------------------------------------------------------------------


def ticked(request: HttpRequest) -> list[UUID]:
    """The ids of the ticked rows, each once; what is no id is left out.

    Raises `Refusal` for more than may be handled at once.
    """
    chosen: dict[UUID, None] = {}
    for text in request.POST.getlist("case"):
        try:
            chosen[UUID(text)] = None
        except ValueError:
            continue
    if len(chosen) > MOST_TICKED:
        raise Refusal(_("一次最多办理 {n} 件案卷，请减少勾选。").format(n=MOST_TICKED), code="too_many")
    return list(chosen)


def back(request: HttpRequest) -> str:
    """The page of the queue from which the rows were ticked."""
    return own_page(request, request.POST.get("here", ""), otherwise=reverse("queue"))


def tell_each(
    request: HttpRequest,
    done: Sequence[Case | DocketEntry],
    said: str,
    refused: Iterable[tuple[Any, Refusal]],
) -> None:
    """One line for each case: what was done, or why not. Each leads to its case, wherever that stands now."""
    if done:
        messages.success(request, _lines((line, said) for line in done))
    if lines := [(line, str(no.message)) for line, no in refused]:
        messages.error(request, _lines(lines))


def _lines(lines: Iterable[tuple[Any, str]]) -> SafeString:
    return format_html_join(mark_safe("<br />"), "{}{}", ((_named(line), said) for line, said in lines))


def _named(line: Any) -> SafeString:
    reference = format_html('<a href="{}">{}</a>', reverse("case", args=[line.pk]), line.reference)
    return format_html(_("{reference} {name}："), reference=reference, name=line.applicant_name)


def nothing_ticked(request: HttpRequest) -> None:
    messages.warning(request, _("请先勾选案卷。"))
