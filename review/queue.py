"""The questions that a desk asks of its queue: which tab, how many, which page, most urgent first.

One shape for both desks: the agency asks its own cases, the authority the docket over all agencies.
Pages follow keys, not offsets, so a queue does not slow down with its history.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, Generic, TypeVar
from uuid import UUID

from django.db.models import Count, Model, Q, QuerySet
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.functional import Promise
from django.utils.timezone import is_naive
from django.utils.translation import gettext_lazy as _

from register.models import DocketEntry
from review.models import Case
from review.states import EVERY, FIRST, OPEN, WORKING, State

M = TypeVar("M", bound=Model)
PAGE_SIZE: Final = 50


@dataclass(frozen=True, slots=True)
class Tab:
    """One tab of a queue: a set of states, perhaps only those in one's own hands.

    Open work stands by due date; what is over stands latest first.
    """

    key: str
    label: str | Promise
    states: frozenset[State]
    mine: bool = False
    urgent_first: bool = True
    # What an empty list says: what would be here, and what to do.
    empty: str | Promise = ""


GRANTED: Final = frozenset({State.FINAL_PASSED, State.ANNOUNCED, State.ISSUED})
AT_AGENCY: Final = frozenset({State.SUBMITTED, *WORKING, *FIRST})

AGENCY_TABS: Final = (
    Tab("todo", _("待办"), AT_AGENCY, empty=_("没有等待本机构办理的案卷。申请人上报后，案卷会出现在这里。")),
    Tab(
        "mine",
        _("我的案卷"),
        AT_AGENCY | {State.CORRECTION},
        mine=True,
        empty=_("您还没有领取案卷。请在“待办”中勾选案卷，然后点“领取”。"),
    ),
    Tab(
        "submitted",
        _("待受理"),
        frozenset({State.SUBMITTED}),
        empty=_("没有待受理的案卷。新上报和补正后重新上报的申请会出现在这里。"),
    ),
    Tab("working", _("初审中"), WORKING, empty=_("没有初审中的案卷。受理以后的案卷会出现在这里。")),
    Tab("passed", _("待报送"), FIRST, empty=_("没有待报送的案卷。出具初审意见以后的案卷会出现在这里。")),
    Tab(
        "correction",
        _("补正中"),
        frozenset({State.CORRECTION}),
        empty=_("没有等待申请人补正的案卷。逾期未补正的申请由系统依法终止。"),
    ),
    Tab(
        "reported",
        _("终审中"),
        frozenset({State.REPORTED}),
        empty=_("没有正在终审的案卷。报送以后的案卷会出现在这里。"),
    ),
    Tab(
        "closed",
        _("已办结"),
        EVERY - OPEN,
        urgent_first=False,
        empty=_("还没有办结的案卷。"),
    ),
    Tab("all", _("全部"), EVERY, urgent_first=False, empty=_("本机构还没有案卷。")),
)

AUTHORITY_TABS: Final = (
    Tab(
        "reported",
        _("待终审"),
        frozenset({State.REPORTED}),
        empty=_("没有等待终审的案卷。初审机构报送以后，案卷会出现在这里。"),
    ),
    Tab(
        "mine",
        _("我的案卷"),
        frozenset({State.REPORTED}),
        mine=True,
        empty=_("您还没有领取案卷。请在“待终审”中勾选案卷，然后点“领取”。"),
    ),
    Tab(
        "first",
        _("初审阶段"),
        OPEN - {State.REPORTED},
        empty=_("没有处于初审阶段的案卷。"),
    ),
    Tab("granted", _("已准予注册"), GRANTED, urgent_first=False, empty=_("还没有准予注册的案卷。")),
    Tab(
        "refused",
        _("已不予注册"),
        frozenset({State.FINAL_FAILED}),
        urgent_first=False,
        empty=_("没有不予注册的案卷。"),
    ),
    Tab(
        "ended",
        _("其他办结"),
        EVERY - OPEN - GRANTED - {State.FINAL_FAILED},
        urgent_first=False,
        empty=_("没有撤回、不予受理、逾期终止或者终止的案卷。"),
    ),
    Tab("all", _("全部"), EVERY, urgent_first=False, empty=_("登记簿还没有案卷。")),
)


@dataclass(frozen=True, slots=True)
class Book:
    """Where a queue reads, and how the columns are called there."""

    tabs: tuple[Tab, ...]
    holder: str
    since: str

    def tab(self, key: str) -> Tab:
        """The tab of this key; the first one for a key that does not exist."""
        return next((tab for tab in self.tabs if tab.key == key), self.tabs[0])


CASES: Final = Book(AGENCY_TABS, holder="assignee_id", since="state_since")
DOCKET: Final = Book(AUTHORITY_TABS, holder="officer_id", since="updated_at")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What the filters above the list ask for; empty means: no matter."""

    kind: str = ""
    category: str = ""
    hold: str = ""
    search: str = ""
    agency: str = ""
    channel: str = ""


def cases() -> QuerySet[Case]:
    """The cases of the agency one stands in, ready for a list."""
    return Case.objects.select_related("assignee", "officer").only(
        "reference",
        "kind",
        "late",
        "state",
        "state_since",
        "applicant_name",
        "category",
        "employer_name",
        "policy",
        "clock",
        "due_on",
        "due_provisional",
        "lodged_at",
        "assignee__name",
        "assignee__username",
        "officer__name",
        "officer__username",
    )


def docket() -> QuerySet[DocketEntry]:
    """The lines of the docket over all agencies, ready for a list."""
    return DocketEntry.objects.select_related("agency", "officer")


def narrowed(lines: QuerySet[M], book: Book, wish: Wish, *, user_id: int) -> QuerySet[M]:
    """The lines that the filters leave, whatever the tab."""
    if wish.kind:
        lines = lines.filter(kind=wish.kind)
    if wish.category:
        lines = lines.filter(category=wish.category)
    if wish.hold == "mine":
        lines = lines.filter(**{book.holder: user_id})
    elif wish.hold == "free":
        lines = lines.filter(**{f"{book.holder}__isnull": True})
    if wish.agency:
        lines = lines.filter(agency__code=wish.agency)
    if wish.channel:
        lines = lines.filter(agency__kind=wish.channel)
    if wish.search:
        named = Q(applicant_name__icontains=wish.search) | Q(reference__istartswith=wish.search)
        lines = lines.filter(named)
    return lines


def counts(lines: QuerySet[M], book: Book, *, user_id: int) -> dict[str, int]:
    """How many lines each tab would list; one query for all tabs."""
    by_state = (
        lines.order_by()
        .values("state")
        .annotate(every=Count("pk"), mine=Count("pk", filter=Q(**{book.holder: user_id})))
        .values_list("state", "every", "mine")
    )
    found = {state: (every, mine) for state, every, mine in by_state}
    return {tab.key: sum(found.get(state, (0, 0))[tab.mine] for state in tab.states) for tab in book.tabs}


def listed(lines: QuerySet[M], book: Book, tab: Tab, *, user_id: int) -> QuerySet[M]:
    """The lines of one tab, in its order."""
    lines = lines.filter(state__in=tab.states)
    if tab.mine:
        lines = lines.filter(**{book.holder: user_id})
    return lines.order_by(*_order(book, tab))


# --- Pages ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place in the list: the sort value and key of the line beside it."""

    value: date | datetime | None
    key: UUID

    def __str__(self) -> str:
        return f"{self.value.isoformat() if self.value else ''}~{self.key}"

    @classmethod
    def parse(cls, text: str, tab: Tab) -> Cursor | None:
        """The place that an address names; None when it names none, then the list starts at its top."""
        value, separator, key = text.rpartition("~")
        try:
            read = parse_date(value) if tab.urgent_first else parse_datetime(value)
            place = cls(read, UUID(key))
        except ValueError:
            return None
        if isinstance(read, datetime) and is_naive(read):
            return None
        return place if separator and (read or not value) else None


@dataclass(frozen=True, slots=True)
class Page(Generic[M]):
    """One page of a list, and the places of the pages beside it."""

    rows: tuple[M, ...]
    before: Cursor | None
    after: Cursor | None


def page(
    lines: QuerySet[M],
    book: Book,
    tab: Tab,
    *,
    after: Cursor | None = None,
    before: Cursor | None = None,
    size: int = PAGE_SIZE,
) -> Page[M]:
    """The lines after (or before) a place. `lines` come from `listed`."""
    column = _column(book, tab)
    if before is not None:
        backwards = lines.filter(_beyond(column, before, forward=not tab.urgent_first)).reverse()
        found = list(backwards[: size + 1])
        rows, more_behind, more_ahead = found[:size][::-1], len(found) > size, True
    else:
        ahead = lines.filter(_beyond(column, after, forward=tab.urgent_first)) if after else lines
        found = list(ahead[: size + 1])
        rows, more_behind, more_ahead = found[:size], after is not None, len(found) > size
    if not rows:
        return Page((), None, None)

    def place(row: M) -> Cursor:
        return Cursor(getattr(row, column), row.pk)

    return Page(
        tuple(rows),
        before=place(rows[0]) if more_behind else None,
        after=place(rows[-1]) if more_ahead else None,
    )


def _column(book: Book, tab: Tab) -> str:
    return "due_on" if tab.urgent_first else book.since


def _order(book: Book, tab: Tab) -> tuple[str, str]:
    sign = "" if tab.urgent_first else "-"
    return f"{sign}{_column(book, tab)}", f"{sign}pk"


def _beyond(column: str, place: Cursor, *, forward: bool) -> Q:
    """What stands after a place in ascending order (or before it); lines without a date stand last."""
    side = "gt" if forward else "lt"
    same: dict[str, Any] = {column: place.value} if place.value else {f"{column}__isnull": True}
    beside = Q(**same, **{f"pk__{side}": place.key})
    if place.value is None:
        return beside if forward else beside | Q(**{f"{column}__isnull": False})
    beyond = beside | Q(**{f"{column}__{side}": place.value})
    return beyond | Q(**{f"{column}__isnull": True}) if forward else beyond
