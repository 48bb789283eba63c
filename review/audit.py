"""What auditors read at both desks: movements, looks at full document numbers, roles, settings, policies.

Each book is a table of its own, latest first, read by keys. The movements stand in an agency's schema, and
only that one is entered; everything else is public and shows, at an agency's desk, that agency's rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any, Final
from uuid import UUID

from django.db.models import Model, Q, QuerySet
from django.utils.dateparse import parse_datetime
from django.utils.functional import Promise
from django.utils.timezone import is_naive, localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from register import clock, policy_book
from register.models import DocketEntry, Person, Policy
from review import history, lists
from review.models import Movement
from review.states import State
from tenants import crossing
from tenants.models import AccessRecord, Agency, RoleGrant, SettingChange, User
from tenants.roles import BY_CODE

PAGE_SIZE: Final = 50
# Of a hash as many characters are shown as tell two apart.
SHORT: Final = 12
NOBODY: Final = "—"


# --- What is asked -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The filters of a book in plain values; empty means: no matter. Days as 2026-11-23, both included."""

    agency: str = ""
    reference: str = ""
    officer: str = ""
    act: str = ""
    since: str = ""
    until: str = ""

    def as_dict(self) -> dict[str, str]:
        """What is asked for, without what is empty."""
        return {name: value for name, value in asdict(self).items() if value}

    @property
    def span(self) -> dict[str, datetime]:
        """The moments between which it lies, as bounds of a column."""
        bounds = {}
        if self.since:
            bounds["gte"] = _midnight(date.fromisoformat(self.since))
        if self.until:
            bounds["lt"] = _midnight(date.fromisoformat(self.until) + timedelta(days=1))
        return bounds


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, tzinfo=clock.SHANGHAI)


def at_desk_of(agency: Agency, asked: Asked) -> Asked:
    """The same question as this desk may ask it: an agency's auditor asks of the own agency only."""
    return asked if agency.is_authority else replace(asked, agency=agency.code)


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell: what it says, a second line, and whether it is an identifier."""

    text: str
    sub: str = ""
    plain: bool = True


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a book: its place in the order, its cells, and the case it belongs to, if any."""

    at: datetime
    key: str
    cells: Sequence[Cell]
    reference: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """A book: its columns, its rows for a question, and how rows are told."""

    key: str
    title: str | Promise
    lead: str | Promise
    heads: Sequence[str | Promise]
    # The column of the moment by which it is ordered.
    at: str
    rows: Callable[[Asked], QuerySet[Any]]
    told: Callable[[Sequence[Any]], list[Line]]
    filters: tuple[str, ...]
    # Whether the rows stand in the schema of one agency.
    inside: bool = False
    # A book of the authority alone.
    national: bool = False


# --- Movements -----------------------------------------------------------------------------------------


def agency_of(asked: Asked) -> Agency | None:
    """Whose schema has the movements asked for: the agency chosen, or the one that has the case now."""
    agencies = Agency.objects.exclude(kind=Agency.Kind.AUTHORITY)
    if asked.agency:
        return agencies.filter(code=asked.agency).first()
    if asked.reference:
        return agencies.filter(docket__reference=asked.reference).first()
    return None


def _movements(asked: Asked) -> QuerySet[Movement]:
    found = Movement.objects.select_related("case").defer("case__policy", "previous")
    if asked.reference:
        found = found.filter(case__reference=asked.reference)
    if asked.officer:
        found = found.filter(actor_name__icontains=asked.officer)
    if asked.act:
        found = found.filter(act=asked.act)
    return found


def _told_movements(rows: Sequence[Movement]) -> list[Line]:
    return [
        Line(
            row.at,
            str(row.pk),
            (
                Cell(moment(row.at)),
                Cell(row.case.reference, row.case.applicant_name, plain=False),
                Cell(str(row.word), _("第 {n} 步").format(n=row.number)),
                Cell(history.who_did(row)),
                Cell(_way(row)),
                Cell("；".join(history.said_in(row))),
                Cell(row.hash[:SHORT], plain=False),
            ),
            row.case.reference,
        )
        for row in rows
    ]


def _way(row: Movement) -> str:
    to = str(State(row.to_state).label)
    if not row.from_state or row.from_state == row.to_state:
        return to
    return f"{State(row.from_state).label} → {to}"


# --- Looks at full numbers -----------------------------------------------------------------------------


def _accesses(asked: Asked) -> QuerySet[AccessRecord]:
    found = AccessRecord.objects.all()
    if asked.agency:
        found = found.filter(agency__code=asked.agency)
    if asked.officer:
        found = found.filter(user_id__in=_accounts(asked.officer))
    if asked.reference:
        found = found.filter(case_id__in=_case_ids(asked.reference))
    return found


def _case_ids(reference: str) -> list[UUID]:
    return list(DocketEntry.objects.filter(reference=reference).values_list("pk", flat=True))


def _told_accesses(rows: Sequence[AccessRecord]) -> list[Line]:
    users = _names({row.user_id for row in rows})
    agencies = _agencies({row.agency_id for row in rows})
    people = Person.objects.only("name", "document_mask").in_bulk({row.person_id for row in rows})
    keys = {row.case_id for row in rows if row.case_id}
    cases = dict(DocketEntry.objects.filter(pk__in=keys).values_list("pk", "reference"))
    lines = []
    for row in rows:
        person = people.get(row.person_id)
        reference = cases.get(row.case_id, "") if row.case_id else ""
        seen = Cell(person.document_mask, person.name, plain=False) if person else Cell(NOBODY)
        cells = (
            Cell(moment(row.at)),
            Cell(users.get(row.user_id, NOBODY)),
            Cell(agencies.get(row.agency_id, NOBODY)),
            seen,
            Cell(row.reason),
            Cell(reference or NOBODY, plain=False),
        )
        lines.append(Line(row.at, str(row.pk), cells, reference))
    return lines


# --- Roles ---------------------------------------------------------------------------------------------


def _grants(asked: Asked) -> QuerySet[RoleGrant]:
    found = RoleGrant.objects.all()
    if asked.agency:
        found = found.filter(agency__code=asked.agency)
    if asked.officer:
        accounts = _accounts(asked.officer)
        found = found.filter(
            Q(user_id__in=accounts) | Q(granted_by_id__in=accounts) | Q(revoked_by_id__in=accounts)
        )
    return found


def _told_grants(rows: Sequence[RoleGrant]) -> list[Line]:
    users = _names({key for row in rows for key in (row.user_id, row.granted_by_id, row.revoked_by_id)})
    agencies = _agencies({row.agency_id for row in rows})
    return [
        Line(
            row.granted_at,
            str(row.pk),
            (
                Cell(moment(row.granted_at)),
                Cell(users.get(row.user_id, NOBODY)),
                Cell(agencies.get(row.agency_id, NOBODY)),
                Cell(str(BY_CODE[row.role].label) if row.role in BY_CODE else row.role),
                Cell(users.get(row.granted_by_id, NOBODY)),
                Cell(moment(row.revoked_at) if row.revoked_at else _("仍有效")),
                Cell(users.get(row.revoked_by_id, NOBODY) if row.revoked_at else ""),
            ),
        )
        for row in rows
    ]


# --- Settings and policies -----------------------------------------------------------------------------


def _setting_changes(asked: Asked) -> QuerySet[SettingChange]:
    found = SettingChange.objects.all()
    if asked.agency:
        found = found.filter(agency__code=asked.agency)
    if asked.officer:
        found = found.filter(user_id__in=_accounts(asked.officer))
    return found


def _told_settings(rows: Sequence[SettingChange]) -> list[Line]:
    users = _names({row.user_id for row in rows})
    agencies = _agencies({row.agency_id for row in rows})
    return [
        Line(
            row.at,
            str(row.pk),
            (
                Cell(moment(row.at)),
                Cell(agencies.get(row.agency_id, NOBODY)),
                Cell(users.get(row.user_id, NOBODY)),
                Cell(_field(row.field)),
                Cell(row.before or NOBODY),
                Cell(row.after or NOBODY),
            ),
        )
        for row in rows
    ]


def _field(name: str) -> str:
    known = {field.name: field for field in Agency._meta.concrete_fields}
    return str(known[name].verbose_name) if name in known else name


def _policies(asked: Asked) -> QuerySet[Policy]:
    found = Policy.objects.all()
    if asked.officer:
        accounts = _accounts(asked.officer)
        found = found.filter(Q(entered_by_id__in=accounts) | Q(withdrawn_by_id__in=accounts))
    return found


def _told_policies(rows: Sequence[Policy]) -> list[Line]:
    users = _names({key for row in rows for key in (row.entered_by_id, row.withdrawn_by_id)})
    return [
        Line(
            row.created_at,
            str(row.pk),
            (
                Cell(moment(row.created_at)),
                Cell(_policy(row.key)),
                Cell(_policy_value(row)),
                Cell(row.valid_from.isoformat()),
                Cell(row.source),
                Cell(users.get(row.entered_by_id, NOBODY)),
                Cell(moment(row.withdrawn_at) if row.withdrawn_at else ""),
                Cell(users.get(row.withdrawn_by_id, NOBODY) if row.withdrawn_at else ""),
            ),
        )
        for row in rows
    ]


def _policy(key: str) -> str:
    known = policy_book.BY_KEY.get(key)
    return str(known.label) if known else key


def _policy_value(row: Policy) -> str:
    known = policy_book.BY_KEY.get(row.key)
    return known.in_words(row.value) if known else str(row.value)


# --- Names ---------------------------------------------------------------------------------------------


def moment(at: datetime) -> str:
    """A moment to the second, in Asia/Shanghai."""
    return f"{localtime(at, clock.SHANGHAI):%Y-%m-%d %H:%M:%S}"


def _accounts(name: str) -> list[int]:
    """The accounts of staff who have this in their name; asked first, so that the database knows how many."""
    staff = User.objects.filter(kind=User.Kind.STAFF)
    named = staff.filter(Q(name__icontains=name) | Q(username=name))
    return list(named.values_list("pk", flat=True)[:500])


def _names(keys: Iterable[int | None]) -> dict[int | None, str]:
    """The names of these accounts, of those that this desk may see."""
    wanted = [key for key in keys if key is not None]
    users = User.objects.only("name", "username").in_bulk(wanted)
    return {key: user.display_name for key, user in users.items()}


def _agencies(keys: Iterable[int | None]) -> dict[int | None, str]:
    wanted = [key for key in keys if key is not None]
    found = Agency.objects.only("name_zh", "name_en").in_bulk(wanted)
    return {key: agency.name for key, agency in found.items()}


# --- The books -----------------------------------------------------------------------------------------

BOOKS: Final[Mapping[str, Book]] = {
    book.key: book
    for book in (
        Book(
            key="movements",
            title=gettext_lazy("流转记录"),
            lead=gettext_lazy("案卷的每一步：谁、何时、以何身份、由何状态到何状态。记录只增不改，逐条校验。"),
            heads=(
                gettext_lazy("时间"), gettext_lazy("案卷"), gettext_lazy("事项"), gettext_lazy("办理人"),
                gettext_lazy("状态"), gettext_lazy("说明"), gettext_lazy("校验值"),
            ),
            at="at",
            rows=_movements,
            told=_told_movements,
            filters=("agency", "reference", "officer", "act", "since", "until"),
            inside=True,
        ),
        Book(
            key="accesses",
            title=gettext_lazy("证件号码查看记录"),
            lead=gettext_lazy("谁在何时因何事由查看或者导出了谁的完整证件号码。"),
            heads=(
                gettext_lazy("时间"), gettext_lazy("查看人"), gettext_lazy("查看时所在机构"),
                gettext_lazy("被查看人"), gettext_lazy("事由"), gettext_lazy("申请编号"),
            ),
            at="at",
            rows=_accesses,
            told=_told_accesses,
            filters=("agency", "reference", "officer", "since", "until"),
        ),
        Book(
            key="grants",
            title=gettext_lazy("授权记录"),
            lead=gettext_lazy("工作人员的角色由谁在何时授予、收回。"),
            heads=(
                gettext_lazy("授予时间"), gettext_lazy("工作人员"), gettext_lazy("机构"),
                gettext_lazy("角色"), gettext_lazy("授予人"), gettext_lazy("收回时间"),
                gettext_lazy("收回人"),
            ),
            at="granted_at",
            rows=_grants,
            told=_told_grants,
            filters=("agency", "officer", "since", "until"),
        ),
        Book(
            key="settings",
            title=gettext_lazy("设置变更"),
            lead=gettext_lazy("机构的设置由谁在何时由何值改为何值。"),
            heads=(
                gettext_lazy("时间"), gettext_lazy("机构"), gettext_lazy("修改人"),
                gettext_lazy("设置项"), gettext_lazy("原值"), gettext_lazy("新值"),
            ),
            at="at",
            rows=_setting_changes,
            told=_told_settings,
            filters=("agency", "officer", "since", "until"),
        ),
        Book(
            key="policies",
            title=gettext_lazy("政策变更"),
            lead=gettext_lazy("政策参数的每一次录入和撤回。"),
            heads=(
                gettext_lazy("录入时间"), gettext_lazy("参数"), gettext_lazy("值"),
                gettext_lazy("施行日期"), gettext_lazy("依据"), gettext_lazy("录入人"),
                gettext_lazy("撤回时间"), gettext_lazy("撤回人"),
            ),
            at="created_at",
            rows=_policies,
            told=_told_policies,
            filters=("officer", "since", "until"),
            national=True,
        ),
    )
}  # fmt: skip


# --- Reading -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a book; `older` is the place where the next one begins, if there is one."""

    lines: tuple[Line, ...]
    older: str


@contextmanager
def opened(book: Book, asked: Asked) -> Iterator[bool]:
    """Stand where the rows of the book are; says whether there is such a place."""
    if not book.inside:
        yield True
        return
    agency = agency_of(asked)
    if agency is None:
        yield False
        return
    with crossing.inside(agency):
        yield True


def page(book: Book, asked: Asked, *, before: str = "", size: int = PAGE_SIZE) -> Page:
    """The lines of a book before a place, latest first; the latest ones without it."""
    with opened(book, asked) as there:
        if not there:
            return Page((), "")
        found = _ordered(book, asked)
        place = _place(book, before, found.model)
        if place is not None:
            at, key = place
            bound = Q(**{f"{book.at}__lte": at})
            found = found.filter(bound, Q(**{f"{book.at}__lt": at}) | Q(pk__lt=key))
        rows = list(found[: size + 1])
        lines = tuple(book.told(rows[:size]))
    last = lines[-1] if len(rows) > size else None
    return Page(lines, f"{last.at.isoformat()}~{last.key}" if last else "")


def count(book: Book, asked: Asked, *, most: int) -> int:
    """How many lines the book has for this question; one more than `most` where there are more."""
    with opened(book, asked) as there:
        return _ordered(book, asked).order_by()[: most + 1].count() if there else 0


def batches(book: Book, asked: Asked, *, size: int) -> Iterator[list[Line]]:
    """All lines out of one look, so many at a time. Stand where the rows are (`opened`)."""
    for batch in lists.batches(_ordered(book, asked), size=size):
        yield book.told(batch)


def _ordered(book: Book, asked: Asked) -> QuerySet[Any]:
    span = {f"{book.at}__{side}": bound for side, bound in asked.span.items()}
    return book.rows(asked).filter(**span).order_by(f"-{book.at}", "-pk")


def _place(book: Book, text: str, model: type[Model]) -> tuple[datetime, Any] | None:
    """The place that an address names; None when it names none, then the book opens at its newest line."""
    at, _separator, key = text.partition("~")
    try:
        read = parse_datetime(at)
        place = model._meta.pk.to_python(key)
    except Exception:  # whatever the column's type says of a text that is no key
        return None
    return None if read is None or is_naive(read) else (read, place)
