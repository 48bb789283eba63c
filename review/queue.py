"""The questions that a desk asks of its queue: which tab, how many, which page, most urgent first.

One shape for both desks: the agency asks its own cases, the authority the docket over all agencies.
Pages follow keys, not offsets, and what is over is counted only where that is cheap, so a queue does not
slow down with its history.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any, Final, Generic, TypeVar
from uuid import UUID

from django.contrib.postgres.lookups import DataContains
from django.core.exceptions import ValidationError
from django.db import connection
from django.db.models import (
    BooleanField,
    Count,
    DateTimeField,
    Exists,
    ExpressionWrapper,
    F,
    Model,
    OrderBy,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Sum,
    TextChoices,
    Value,
)
from django.db.models.functions import StrIndex, Upper
from django.db.models.lookups import GreaterThan
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.functional import Promise
from django.utils.timezone import is_naive
from django.utils.translation import gettext_lazy as _

from register import clock, documents
from register.letters import Letters
from register.models import DocketCount, DocketEntry, DocumentType
from register.reference import PREFIX
from review.models import Case
from review.states import AT_AGENCY, EVERY, FIRST, OPEN, WORKING, State
from tenants.models import Agency, AgencyUserObjectPermission, User
from tenants.roles import FINAL_REVIEWER, REVIEWER, Role

M = TypeVar("M", bound=Model)
PAGE_SIZE: Final = 50
# What is over is counted so far; beyond that a tab shows no figure rather than one that took a long look.
MOST_COUNTED: Final = 1000


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
    # What else the tab asks of a line.
    only: Q = field(default_factory=Q)
    # What an empty list says: what would be here, and what to do.
    empty: str | Promise = ""


GRANTED: Final = frozenset({State.FINAL_PASSED, State.ANNOUNCED, State.ISSUED})

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
        "signing",
        _("待签批"),
        frozenset({State.REPORTED}),
        only=Q(awaits_signature=True),
        empty=_("没有等待签批的建议。终审员提出建议以后，案卷会出现在这里。"),
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """Where a queue reads, and how the columns are called there."""

    tabs: tuple[Tab, ...]
    holder: str
    since: str
    document: str
    batch: str
    # What finds the open lines in their own indexes, and what the others.
    opened: Q
    over: Q
    # The lines of a state are counted by agency, all of them, and need not be counted again.
    counters: bool = False

    def tab(self, key: str) -> Tab:
        """The tab of this key; the first one for a key that does not exist."""
        return next((tab for tab in self.tabs if tab.key == key), self.tabs[0])


CASES: Final = Book(
    tabs=AGENCY_TABS,
    holder="assignee_id",
    since="state_since",
    document="document_digest",
    batch="dispatch__number",
    opened=Q(state__in=OPEN),
    over=Q(state__in=EVERY - OPEN),
)
DOCKET: Final = Book(
    tabs=AUTHORITY_TABS,
    holder="officer_id",
    since="updated_at",
    document="person__document_digest",
    batch="dispatch_number",
    opened=Q(open=True),
    over=Q(open=False),
    counters=True,
)


class Due(TextChoices):
    """Which deadlines a filter asks for, in working days as they are told."""

    OVER = "over", _("已超期")
    NEXT = "next", _("今明两个工作日")
    WEEK = "week", _("五个工作日以内")
    NONE = "none", _("没有期限")


class Fared(TextChoices):
    """How a case fared on its way, as the docket keeps it."""

    CORRECTED = "corrected", _("补正过")
    REMANDED = "remanded", _("终审退回过")
    OVERTURNED = "overturned", _("终审改变初审意见")


# What each of these asks of a line of the docket.
FARED: Final = {
    Fared.CORRECTED: Q(corrections__gt=0),
    Fared.REMANDED: Q(remands__gt=0),
    Fared.OVERTURNED: Q(decided_on__isnull=False) & ~Q(first_verdict=F("final_verdict")),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What the filters above the list ask for; empty means: no matter.

    `hold` is "mine", "free" or the number of an account; `document` holds the digests that a document number
    may have, joined by dots: the number itself never stands in an address.
    """

    state: str = ""
    kind: str = ""
    category: str = ""
    due: str = ""
    hold: str = ""
    employer: str = ""
    batch: str = ""
    search: str = ""
    document: str = ""
    agency: str = ""
    channel: str = ""
    # Of the docket only: what stands behind the figures of oversight; days as 2026-11-23.
    open: str = ""
    clock: str = ""
    due_since: str = ""
    due_until: str = ""
    lodged_since: str = ""
    lodged_until: str = ""
    reported_since: str = ""
    reported_until: str = ""
    decided_since: str = ""
    decided_until: str = ""
    fared: str = ""


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


# With so many figures a text is taken for a document number: no name has them, and it stays out of addresses.
FIGURES: Final = 4
RESIDENT: Final = re.compile(r"\d{14,19}X?", re.ASCII)
# Documents whose numbers have hardly a form, so that almost anything fits them.
LOOSE: Final = frozenset({DocumentType.OFFICER, DocumentType.OTHER, DocumentType.PASSPORT})


def numbers_in(text: str) -> list[tuple[str, str]]:
    """The documents whose full number this may be, each as type and number; none for any other text.

    Raises ValidationError for a resident number with a fault in it. The number of an application is none.
    """
    plain = "".join(unicodedata.normalize("NFKC", text).split()).upper()
    if plain.startswith(PREFIX) or sum(letter.isdecimal() for letter in plain) < FIGURES:
        return []
    fitting = []
    faults: dict[str, ValidationError] = {}
    for document in DocumentType:
        try:
            fitting.append((document.value, documents.check(document, plain)))
        except ValidationError as fault:
            faults[document] = fault
    if RESIDENT.fullmatch(plain) and {document for document, _number in fitting} <= LOOSE:
        raise faults[DocumentType.RESIDENT_ID]
    if not fitting:
        raise ValidationError(_("这不是有效的证件号码或者申请编号，请核对。"), code="number")
    return fitting


@dataclass(frozen=True, slots=True)
class Holder:
    """Somebody who has cases of this agency, or may be given some (`reviews`)."""

    id: int
    name: str
    reviews: bool


def holders(agency: Agency) -> list[Holder]:
    """Who has cases at the agency one stands in, or reviews there, by name; one query."""
    # In the order of an index: with few holders of many cases the planner would else read them all.
    holding = Case.objects.filter(assignee_id=OuterRef("pk")).order_by("assignee_id", "state")
    return _holders(agency, REVIEWER, holding)


def officers(authority: Agency) -> list[Holder]:
    """Who has open cases at the authority, or reviews there, by name; one query."""
    holding = DocketEntry.objects.filter(officer_id=OuterRef("pk"), state=State.REPORTED)
    return _holders(authority, FINAL_REVIEWER, holding.order_by("officer_id", "state"))


def _holders(agency: Agency, role: Role, holding: QuerySet[Any]) -> list[Holder]:
    reviewers = AgencyUserObjectPermission.objects.filter(
        user=OuterRef("pk"), content_object=agency, permission__codename=role.code
    )
    found = (
        User.objects.filter(kind=User.Kind.STAFF)
        .annotate(reviews=Exists(reviewers) & Q(is_active=True), held=Subquery(holding.values("pk")[:1]))
        .filter(Q(reviews=True) | Q(held__isnull=False))
        .order_by("name", "pk")
    )
    return [Holder(user.pk, user.display_name, user.reviews) for user in found]


def docket() -> QuerySet[DocketEntry]:
    """The lines of the docket over all agencies, ready for a list, which names the agencies itself."""
    return DocketEntry.objects.select_related("officer").only(
        "reference",
        "kind",
        "category",
        "applicant_name",
        "employer_name",
        "state",
        "due_on",
        "due_provisional",
        "clock",
        "updated_at",
        "agency_id",
        "officer__name",
        "officer__username",
    )


def narrowed(lines: QuerySet[M], book: Book, wish: Wish, *, user_id: int) -> QuerySet[M]:
    """The lines that the filters leave, whatever the tab."""
    exact = {
        "state": wish.state,
        "kind": wish.kind,
        "category": wish.category,
        "agency__code": wish.agency,
        "agency__kind": wish.channel,
        f"{book.batch}__startswith": wish.batch.upper(),
        "open": bool(wish.open),
        "clock": wish.clock,
        "due_on__gte": wish.due_since,
        "due_on__lte": wish.due_until,
        "lodged_on__gte": wish.lodged_since,
        "lodged_on__lte": wish.lodged_until,
        "reported_on__gte": wish.reported_since,
        "reported_on__lte": wish.reported_until,
        "decided_on__gte": wish.decided_since,
        "decided_on__lte": wish.decided_until,
    }
    lines = lines.filter(**{column: value for column, value in exact.items() if value})
    if wish.fared:
        lines = lines.filter(FARED[Fared(wish.fared)])
    if wish.document:
        lines = lines.filter(**{f"{book.document}__in": wish.document.split(".")})
    if wish.hold:
        lines = lines.filter(_held(book, wish.hold, user_id))
    if wish.due:
        lines = lines.filter(**_due(Due(wish.due)))
    if wish.employer:
        lines = lines.filter(_contains("employer_name", wish.employer))
    if wish.search:
        lines = lines.filter(
            _contains("applicant_name", wish.search)
            | _contains("employer_name", wish.search)
            | Q(reference__startswith=wish.search.upper())
        )
    return lines


def _held(book: Book, hold: str, user_id: int) -> Q:
    if hold == "free":
        # What is over is nobody's to take up any more.
        return book.opened & free_by(book.holder)
    return Q(**{book.holder: user_id if hold == "mine" else int(hold)})


def free_by(holder: str) -> Q:
    """What lies in nobody's hands, or in those of an account that is closed: anyone may take it up."""
    able = User.objects.filter(pk=OuterRef(holder), is_active=True)
    return Q(**{f"{holder}__isnull": True}) | Q(~Exists(able))


def _due(due: Due) -> dict[str, Any]:
    today = clock.today()
    if due is Due.NONE:
        return {"due_on__isnull": True}
    if due is Due.OVER:
        return {"due_on__lt": today}
    days = 1 if due is Due.NEXT else 5
    return {"due_on__range": (today, clock.add_working_days(today, days).day)}


def _contains(column: str, text: str) -> Q:
    # Lines with all the letters of the text come out of the index; which have them in a row is read then. The
    # planner knows how frequent letters are, but takes LIKE for so rare that it reads and sorts all it finds.
    lettered = Q(DataContains(Letters(column), Letters(Value(text))))
    if len(text) == 1:
        return lettered
    return lettered & Q(GreaterThan(StrIndex(Upper(column), Upper(Value(text))), 0))


def found(
    lines: QuerySet[M], book: Book, wish: Wish, *, user_id: int, covers: Collection[int] = ()
) -> dict[str, list[Any]] | None:
    """The keys of the lines that a search for a part of a name leaves, by the tabs on which they stand.

    `lines` come from `narrowed`. They are looked for once, for the figures and for the list. None without
    such a search, and where it leaves more than `MOST_COUNTED`.
    """
    if not (wish.search or wish.employer):
        return None
    own = {user_id, *covers}
    apart = {tab.key: tab.only for tab in book.tabs if tab.only}
    told = {key: ExpressionWrapper(only, output_field=BooleanField()) for key, only in apart.items()}
    told = {f"on_{key}": expression for key, expression in told.items()}
    rows = list(lines.order_by().values("pk", "state", book.holder, **told)[: MOST_COUNTED + 1])
    if len(rows) > MOST_COUNTED:
        return None

    def stands(row: dict[str, Any], tab: Tab) -> bool:
        held = not tab.mine or row[book.holder] in own
        return held and row["state"] in tab.states and (tab.key not in apart or bool(row[f"on_{tab.key}"]))

    return {tab.key: [row["pk"] for row in rows if stands(row, tab)] for tab in book.tabs}


def counts(
    lines: QuerySet[M], book: Book, *, user_id: int, covers: Collection[int] = (), wish: Wish | None = None
) -> dict[str, int | None]:
    """How many lines each tab would list; None where what is over would have to be counted for long.

    What is over is counted together, up to `MOST_COUNTED`: one scan, whatever the tabs. `covers` are absent
    colleagues whose cases one handles. Where the `wish` by which the lines were narrowed
    asks for agency and channel at most, the docket's own counters tell, and every figure is told.
    """
    own = {user_id, *covers}
    if book.counters and wish is not None and replace(wish, agency="", channel="") == Wish():
        return _from_counters(lines, book, wish, own)
    apart = [tab for tab in book.tabs if tab.only]
    ours = Q(**{f"{book.holder}__in": own})
    parts = [Count("state", filter=ours), *(Count("state", filter=tab.only & _in(tab)) for tab in apart)]
    in_hand = lines.filter(book.opened).order_by().values("state").annotate(every=Count("state"))
    by_state = in_hand.annotate(**{f"part{place}": part for place, part in enumerate(parts)})
    past = lines.filter(book.over).order_by().values("state")[: MOST_COUNTED + 1]
    # Asked for what is open, there is nothing else to count.
    over = None if wish is not None and (wish.open or wish.hold == "free") else past
    every: Counter[str] = Counter()
    mine: Counter[str] = Counter()
    only: Counter[str] = Counter()
    for state, number, held, *others in _by_state(by_state, over, len(parts)):
        every[state] += number
        mine[state] += held
        only.update(dict(zip((tab.key for tab in apart), others, strict=True)))
    many = sum(number for state, number in every.items() if state not in OPEN) > MOST_COUNTED

    def count(tab: Tab) -> int | None:
        if tab.only:
            return only[tab.key]
        if many and not tab.states <= OPEN:
            return None
        return sum((mine if tab.mine else every)[state] for state in tab.states)

    return {tab.key: count(tab) for tab in book.tabs}


def _by_state(
    in_hand: QuerySet[Any, Any], over: QuerySet[Any, Any] | None, parts: int
) -> list[tuple[Any, ...]]:
    """The rows of the first question, and how many of the second stand in each state; one query."""
    sql, params = in_hand.query.sql_with_params()
    if over is not None:
        more, its_params = over.query.sql_with_params()
        nothing = ", 0" * parts
        sql += f" UNION ALL SELECT state, count(*){nothing} FROM ({more}) AS past GROUP BY state"  # noqa: S608 - Django's own words
        params = (*params, *its_params)
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return list(cursor.fetchall())


def _from_counters(lines: QuerySet[M], book: Book, wish: Wish, own: set[int]) -> dict[str, int | None]:
    """Every tab by the counters that each movement writes; what they do not tell apart is counted itself."""
    asked = {"agency__code": wish.agency, "agency__kind": wish.channel}
    told = DocketCount.objects.filter(**{column: value for column, value in asked.items() if value})
    by_state = told.order_by().values("state").annotate(every=Sum("change"), none=Value(0))
    apart = [tab for tab in book.tabs if tab.mine or tab.only]
    pieces = [_on_tab(lines, book, tab, own).order_by().values("pk") for tab in apart]
    rows = _counted(by_state.values_list("state", "every", "none"), pieces)
    found = {key: every for key, every, _none in rows}
    counted = {tab.key: found[f"{place}"] for place, tab in enumerate(apart)}
    return {
        tab.key: counted.get(tab.key, sum(found.get(state, 0) for state in tab.states)) for tab in book.tabs
    }


def _in(tab: Tab) -> Q:
    # Every state is no question: asked all the same, the planner would look for an index.
    return Q() if tab.states == EVERY else Q(state__in=tab.states)


def _on_tab(lines: QuerySet[M], book: Book, tab: Tab, own: Collection[int]) -> QuerySet[M]:
    lines = lines.filter(tab.only & _in(tab))
    if tab.states <= OPEN:
        lines = lines.filter(book.opened)
    return lines.filter(**{f"{book.holder}__in": own}) if tab.mine else lines


def _counted(by_state: QuerySet[Any, Any], limited: list[QuerySet[Any, Any]]) -> list[tuple[str, int, int]]:
    """The rows of the first question, and how many rows each of the others has, by its place; one query."""
    sql, params = by_state.query.sql_with_params()
    for place, each in enumerate(limited):
        more, its_params = each.query.sql_with_params()
        sql += f" UNION ALL SELECT %s, count(*), 0 FROM ({more}) AS piece"  # noqa: S608 - Django's own words
        params = (*params, str(place), *its_params)
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return list(cursor.fetchall())


def listed(
    lines: QuerySet[M],
    book: Book,
    tab: Tab,
    *,
    user_id: int,
    covers: Collection[int] = (),
    few: bool = False,
) -> QuerySet[M]:
    """The lines of one tab, in its order; one's own are also those of the absent colleagues one covers.

    Where `few` are left by a search, they are found by it and then sorted: whoever went through the list in
    its order, until a page is full, would go through all of it.
    """
    lines = _on_tab(lines, book, tab, {user_id, *covers})
    if not few:
        return lines.order_by(*_order(book, tab))
    # The same order, which no index has.
    moment = ExpressionWrapper(F(_column(book, tab)) + Value(timedelta()), output_field=DateTimeField())
    return lines.order_by(OrderBy(moment, descending=not tab.urgent_first), _order(book, tab)[1])


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
    # The bound alone is what an index follows; which lines of that very day or moment is read then.
    bound = Q(**{f"{column}__{side}e": place.value})
    beyond = bound & (beside | Q(**{f"{column}__{side}": place.value}))
    return beyond | Q(**{f"{column}__isnull": True}) if forward and column == "due_on" else beyond
