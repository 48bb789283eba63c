"""Where a person stands in the register on a day. It follows from the dates: no job has to run.

On a day that period counts which was granted last among those already begun. So a change supersedes the
rest of the period before it, a renewal follows it, and the periods in force never overlap.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.db import models
from django.db.models import Case, OuterRef, Q, QuerySet, Subquery, Value, When
from django.db.models.functions import JSONObject
from django.utils.translation import gettext_lazy as _

from register import clock, policy
from register.clock import ONE_DAY
from register.models import DocketEntry, Kind, Person, Qualification, Registration, Restriction
from register.policy import Policy


class Status(models.TextChoices):
    """What the register says of a person on a day."""

    UNREGISTERED = "unregistered", _("未注册")
    VALID = "valid", _("有效")
    RENEWAL_DUE = "renewal_due", _("有效（待延续）")
    CHANGE_PENDING = "change_pending", _("有效（变更中，暂停执业）")
    DEEMED_RENEWED = "deemed_renewed", _("有效（视为延续）")
    EXPIRED = "expired", _("已过期")
    CANCELLED = "cancelled", _("已注销")
    REVOKED = "revoked", _("已撤销")
    WITHDRAWN = "withdrawn", _("已吊销")

    @property
    def in_force(self) -> bool:
        return self in IN_FORCE

    @property
    def may_practise(self) -> bool:
        """A pending change suspends practice (Order 11 art. 14)."""
        return self.in_force and self is not Status.CHANGE_PENDING


IN_FORCE = frozenset({Status.VALID, Status.RENEWAL_DUE, Status.CHANGE_PENDING, Status.DEEMED_RENEWED})
ENDED = {
    Registration.End.CANCELLED.value: Status.CANCELLED,
    Registration.End.REVOKED.value: Status.REVOKED,
    Registration.End.WITHDRAWN.value: Status.WITHDRAWN,
}


# The docket's words for an application whose correction is out.
CORRECTION: Final = "correction"
CORRECTION_CLOCK: Final = "C"
# `answer_by` for whoever asks in SQL of his own, with `d` as the row of the docket.
ANSWER_BY: Final = f"CASE WHEN d.state = '{CORRECTION}' AND d.clock = '{CORRECTION_CLOCK}' THEN d.due_on END"

DAYS: Final = frozenset({"valid_from", "valid_to", "granted_on", "ended_on"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """One granted period, without whom it belongs to."""

    kind: Kind
    valid_from: date
    valid_to: date
    granted_on: date
    ended_how: str = ""
    ended_on: date | None = None

    @classmethod
    def of(cls, row: Registration) -> Period:
        return cls(
            kind=Kind(row.kind),
            valid_from=row.valid_from,
            valid_to=row.valid_to,
            granted_on=row.granted_on,
            ended_how=row.ended_how,
            ended_on=row.ended_on,
        )

    @classmethod
    def from_json(cls, row: Mapping[str, str | None]) -> Period:
        """A period as the database writes it inside a list."""
        days = {name: date.fromisoformat(text) for name, text in row.items() if text and name in DAYS}
        return cls(kind=Kind(row["kind"] or ""), ended_how=row["ended_how"] or "", **days)

    def ended_by(self, day: date) -> bool:
        return self.ended_on is not None and self.ended_on <= day


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenLine:
    """The application that is open anywhere: its kind, its day, and the rule of deemed renewal of that day.

    `deemed_days` are the calendar days before expiry by which a renewal must have been lodged to count
    as granted until it is decided (Order 11 art. 13); None where the policy has no such rule. `answer_by` is
    the last day on which its correction may be answered; None where none is out.
    """

    kind: Kind
    lodged_on: date
    deemed_days: int | None = None
    answer_by: date | None = None

    def lapsed_by(self, day: date) -> bool:
        """Whether its correction stayed unanswered: it has lapsed, also where no sweep has come yet."""
        return self.answer_by is not None and self.answer_by < day


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """All that decides what a person may apply for: plain values, periods in the order they were granted.

    `restricted_until` is the last day on which the person may not apply: entered by the registrar, or by law
    after a revocation.
    """

    qualified_on: date | None = None
    born: date | None = None
    periods: tuple[Period, ...] = ()
    open: OpenLine | None = None
    restricted_until: date | None = None

    def current(self, on: date) -> Period | None:
        """The period that counts on a day, whether it is still in force or over."""
        return next((period for period in reversed(self.periods) if period.valid_from <= on), None)

    @property
    def last(self) -> Period | None:
        """The period granted last; it carries the expiry of the registration."""
        return self.periods[-1] if self.periods else None

    def status(self, on: date, renewal_open_months: int) -> Status:
        """The word of the register on a day."""
        period = self.current(on)
        if period is None:
            return Status.UNREGISTERED
        if period.ended_by(on):
            return ENDED[period.ended_how]
        if on > period.valid_to:
            return Status.DEEMED_RENEWED if self._deemed_renewed(period, on) else Status.EXPIRED
        line = self.pending(on)
        if line and line.kind is Kind.CHANGE:
            return Status.CHANGE_PENDING
        expiry = self.periods[-1].valid_to
        if on >= clock.add_months(expiry, -renewal_open_months):
            return Status.RENEWAL_DUE
        return Status.VALID

    def pending(self, on: date) -> OpenLine | None:
        """The open application that the law still has pending on a day."""
        return None if self.open is None or self.open.lapsed_by(on) else self.open

    def _deemed_renewed(self, period: Period, on: date) -> bool:
        line = self.pending(on)
        if line is None or line.kind is not Kind.RENEWAL or line.deemed_days is None:
            return False
        return line.lodged_on <= period.valid_to - timedelta(days=line.deemed_days)


def spans(periods: Sequence[Period]) -> Iterator[tuple[date, date]]:
    """First and last day on which each period really counts, in the order granted, without empty ones."""
    return (span for span in counted(periods) if span is not None)


def counted(periods: Sequence[Period]) -> Iterator[tuple[date, date] | None]:
    """For each period in the order granted, first and last day on which it really counts; None for none."""
    for place, period in enumerate(periods):
        ends = [period.valid_to, *(later.valid_from - ONE_DAY for later in periods[place + 1 :])]
        if period.ended_on is not None:
            ends.append(period.ended_on - ONE_DAY)
        yield (period.valid_from, min(ends)) if period.valid_from <= min(ends) else None


def banned_until(period: Period, rules: Policy) -> date | None:
    """The last day on which nobody may apply again whose registration was revoked or withdrawn.

    By the rules of the day of that act, which is not counted itself (civil code arts 201, 202).
    """
    bans: dict[str, int] = {
        Registration.End.REVOKED: rules.reapply_ban_cheating,
        Registration.End.WITHDRAWN: rules.reapply_ban_penalty,
    }
    years = bans.get(period.ended_how, 0)
    return clock.add_years(period.ended_on, years) if years and period.ended_on else None


def registrations_of(person: Person | UUID) -> list[Registration]:
    """The registrations of a person and of records merged into it, in the order they were granted.

    A key is that of the person into whom the others were merged.
    """
    living = person if isinstance(person, UUID) else _living_id(person)
    rows = Registration.objects.filter(_of(living)).select_related("agency")
    return list(rows.order_by("granted_on", "created_at"))


OPEN: Final = ("open_kind", "open_lodged_on", "open_answer_by", "open_provisional")
FOUND: Final = ("birth_date", "qualified_on", "restricted_until", *OPEN)
PERIOD: Final = ("kind", "valid_from", "valid_to", "granted_on", "ended_how", "ended_on")


def _periods() -> ArraySubquery:
    """The periods of the person at hand, in the order they were granted."""
    rows = Registration.objects.filter(_of(OuterRef("pk"))).order_by("granted_on", "created_at")
    return ArraySubquery(rows.values(row=JSONObject(**{name: name for name in PERIOD})))


def standing_of(
    person: Person,
    on: date | None = None,
    *,
    besides: UUID | None = None,
    registrations: Sequence[Registration] | None = None,
) -> Standing:
    """Where a person stands on a day (today), in one query; `registrations` are those read already.

    `besides` leaves out one case's own docket line.
    """
    day = on or clock.today()
    lines = DocketEntry.objects.filter(_of(OuterRef("pk")), open=True)
    if besides is not None:
        lines = lines.exclude(case_id=besides)
    lifted = Q(lifted_on__lte=day)
    restricted = Restriction.objects.filter(_of(OuterRef("pk")), ~lifted, since__lte=day, until__gte=day)
    qualified = Qualification.objects.filter(_of(OuterRef("pk")))
    found = (
        Person.objects.filter(pk=_living_id(person))
        .annotate(
            qualified_on=Subquery(qualified.order_by("-issued_on").values("issued_on")[:1]),
            restricted_until=Subquery(restricted.order_by("-until").values("until")[:1]),
            open_kind=Subquery(lines.values("kind")[:1]),
            open_lodged_on=Subquery(lines.values("lodged_on")[:1]),
            open_answer_by=Subquery(lines.values(by=answer_by())[:1]),
            open_provisional=Subquery(lines.values("due_provisional")[:1]),
            **({"periods": _periods()} if registrations is None else {}),
        )
        .values(*FOUND, *(["periods"] if registrations is None else []))
        .get()
    )
    periods = (
        tuple(Period.from_json(row) for row in found["periods"])
        if registrations is None
        else tuple(Period.of(row) for row in registrations)
    )
    return Standing(
        qualified_on=found["qualified_on"],
        born=found["birth_date"],
        periods=periods,
        open=open_line(*(found[name] for name in OPEN)),
        restricted_until=max(filter(None, [found["restricted_until"], *_bans(periods)]), default=None),
    )


def _of(person: UUID | OuterRef) -> Q:
    """Rows of a person and of the records merged into it: merging rewrites nothing."""
    return Q(person=person) | Q(person__merged_into=person)


def _bans(periods: Sequence[Period]) -> Iterator[date | None]:
    for period in periods:
        if period.ended_on is not None:
            yield banned_until(period, policy.current(period.ended_on))


def status_of(person: Person, on: date | None = None) -> Status:
    """The word of the register for a person on a day (today)."""
    day = on or clock.today()
    return standing_of(person, day).status(day, policy.current(day).renewal_open_months)


def registration_of(person: Person, on: date | None = None) -> Registration | None:
    """The registration that counts on a day (today), in force or over; else the one not begun yet."""
    return counting(registrations_of(person), on or clock.today())


def counting(rows: Sequence[Registration], on: date) -> Registration | None:
    """Of a person's registrations in the order granted, the one that counts on a day."""
    begun = [row for row in rows if row.valid_from <= on]
    return (begun or rows)[-1] if rows else None


def is_deemed_renewed(
    row: Registration,
    *,
    kind: str,
    lodged_on: date,
    answer_by: date | None = None,
    on: date | None = None,
) -> bool:
    """Whether a registration counts as renewed on a day (today) because of an application open then.

    Order 11 art. 13: the renewal was lodged in time and is not decided yet.
    """
    found = Standing(periods=(Period.of(row),), open=open_line(kind, lodged_on, answer_by))
    # How early a renewal may be asked for plays no part once the period is over.
    return found.status(on or clock.today(), 0) is Status.DEEMED_RENEWED


def open_line(
    kind: str | None,
    lodged_on: date | None,
    answer_by: date | None = None,
    provisional: bool | None = False,
) -> OpenLine | None:
    """The open application by its kind and day, under the policy of that day; None where there is none.

    `answer_by` is that of the docket. A provisional day whose year has been announced since may move later:
    it binds nobody until it is counted anew.
    """
    if kind is None or lodged_on is None:
        return None
    if provisional and answer_by and clock.is_announced(answer_by.year):
        answer_by = None
    days = _deemed_days(policy.current(lodged_on))
    return OpenLine(kind=Kind(kind), lodged_on=lodged_on, deemed_days=days, answer_by=answer_by)


def line_of(row: DocketEntry) -> OpenLine | None:
    """The open application of a row of the docket, read before."""
    waits = row.state == CORRECTION and row.clock == CORRECTION_CLOCK
    return open_line(row.kind, row.lodged_on, row.due_on if waits else None, row.due_provisional)


def answer_by() -> Case:
    """The last day on which the correction may be answered, of a row of the docket; see `ANSWER_BY`."""
    waits = When(state=CORRECTION, clock=CORRECTION_CLOCK, then="due_on")
    return Case(waits, output_field=models.DateField())


def still_moving(on: date) -> list[int]:
    """The years whose provisional days, past on this day, are to be counted anew; see `open_line`."""
    return [year for year in (on.year - 1, on.year) if clock.is_announced(year)]


def unlapsed(lines: QuerySet[DocketEntry], on: date) -> QuerySet[DocketEntry]:
    """Of these rows of the docket those whose correction, if one is out, may still be answered on a day."""
    moving = Q(due_provisional=True, by__year__in=still_moving(on))
    return lines.annotate(by=answer_by()).filter(Q(by__isnull=True) | Q(by__gte=on) | moving)


def deemed_days(lodged_on: str) -> Case:
    """The `OpenLine.deemed_days` of a row of the docket, in SQL: by the policy of its day."""
    days = sorted(policy.days_of_change(), reverse=True)
    known = [(Q(**{f"{lodged_on}__gte": day}), policy.current(day)) for day in days]
    whens = [When(when, then=Value(_deemed_days(rules))) for when, rules in known]
    return Case(*whens, default=Value(_deemed_days(policy.SEED)), output_field=models.IntegerField())


def _deemed_days(rules: Policy) -> int | None:
    return rules.deemed_renewal_days_before if rules.deemed_renewal else None


def _living_id(person: Person) -> UUID:
    return person.merged_into_id or person.pk
