"""我的期限: every day that matters to one person, and the same as a calendar file.

The days are those of `register.eligibility` and `register.reminders`; a calendar tells no name and no number
of a document.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

from django.db.models import Sum
from django.utils.functional import Promise
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _
from icalendar import Alarm, Calendar, Event

from intake import circumstances, progress
from intake.affairs import Affairs
from intake.hours import tidy
from register import clock, people, policy, reminders, standing
from register.clock import ONE_DAY
from register.models import Kind, Registration, TrainingHours
from register.policy import Policy
from review.states import Clock

Text = str | Promise

# Order 11 art. 13: renewal is applied for thirty days before expiry.
SAFE_DAYS: Final = 30
ALARM: Final = timedelta(hours=-15)  # nine in the morning of the day before


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """One day that matters: what it is, and what it asks. `uid` stays the same while it means the same."""

    on: date
    title: Text
    text: Text = ""
    uid: str
    # A day on which something is to be done or ends: it stands in the calendar with an alarm.
    main: bool = True
    provisional: bool = False
    tone: str = ""

    def left(self, today: date) -> int:
        return (self.on - today).days


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """Continuing education in the running period, as agencies have entered it."""

    entered: Decimal
    required: Decimal
    since: date

    @property
    def missing(self) -> Decimal:
        return tidy(max(self.required - self.entered, Decimal(0)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """The last part of a validity as a bar: its first and last day and what lies between, in thousandths."""

    begins: date
    ends: date
    opens: int
    safe: int
    today: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Dates:
    """Everything that 我的期限 shows."""

    today: date
    days: tuple[Day, ...]
    registration: Registration | None
    hours: Hours | None = None
    span: Span | None = None

    @property
    def to_come(self) -> list[Day]:
        return [day for day in self.days if day.on >= self.today]

    @property
    def over(self) -> list[Day]:
        return [day for day in self.days if day.on < self.today]


def dates_of(stands: Affairs) -> Dates:
    """The days of a person, in order."""
    rules = policy.current(stands.today)
    last = _counts_on(stands)
    days = [*_of_application(stands), *_of_draft(stands, rules), *_of_initial(stands, rules)]
    if last is not None:
        days += _of_registration(stands, last, rules)
    return Dates(
        today=stands.today,
        days=tuple(sorted(days, key=lambda day: day.on)),
        registration=last,
        hours=_hours(stands, rules) if last else None,
        span=_span(last, rules, stands.today) if last else None,
    )


def _counts_on(stands: Affairs) -> Registration | None:
    """The registration with the expiry that counts; none where it has ended or is over."""
    if not stands.registrations or not stands.status.in_force:
        return None
    last = stands.registrations[-1]
    return None if last.ended_how else last


def _of_registration(stands: Affairs, last: Registration, rules: Policy) -> Iterator[Day]:
    expiry, key = last.valid_to, f"{last.number}-{last.valid_to}"
    line = stands.stands.pending(stands.today)
    renewing = line is not None and line.kind is Kind.RENEWAL
    yield Day(
        on=expiry,
        title=_("注册有效期满"),
        text=_("这一天结束前注册有效。") if not renewing else _("延续注册正在办理。"),
        uid=f"end-{key}",
        tone="amber",
    )
    if renewing:
        return
    opens, closes = reminders.renewal_opens(expiry, rules), reminders.renewal_closes(expiry, rules)
    yield Day(
        on=opens, title=_("可以申请延续注册"), text=_("从这一天起可以申请延续注册。"), uid=f"opens-{key}"
    )
    safe = expiry - timedelta(days=SAFE_DAYS)
    if opens <= safe <= closes:
        yield Day(
            on=safe,
            title=_("最迟在这一天上报延续申请最稳妥"),
            text=_("期满30日前上报的，即使到期时还没有作出决定，也视为准予延续。")
            if rules.deemed_renewal and rules.deemed_renewal_days_before <= SAFE_DAYS
            else _("再晚上报，可能无法在期满前办结。"),
            uid=f"safe-{key}",
            tone="amber",
        )
    if closes not in {expiry, safe}:
        yield Day(on=closes, title=_("延续注册申请截止"), uid=f"closes-{key}", tone="amber")
    for mark in reminders.renewal_marks(expiry, rules):
        if mark.kind == "expiry":
            yield Day(
                on=mark.on,
                title=format_lazy(_("提醒：距期满{days}天"), days=mark.days),
                text=_("还没有申请延续注册时，系统会提醒您。"),
                uid=f"mark-{key}-{mark.days}",
                main=False,
            )


def _of_initial(stands: Affairs, rules: Policy) -> Iterator[Day]:
    qualified = stands.stands.qualified_on
    if qualified is None or stands.registrations or stands.stands.pending(stands.today):
        return
    closes = clock.add_years(qualified, rules.initial_window_years)
    late = _("逾期可以按逾期初始注册办理，须提交继续教育证明。") if rules.late_initial_allowed else ""
    yield Day(on=closes, title=_("初始注册期限"), text=late, uid=f"initial-{closes}", tone="amber")


def _of_application(stands: Affairs) -> Iterator[Day]:
    entry = stands.current
    if entry is None or entry.due_on is None:
        return
    mine = entry.clock == Clock.CORRECTION
    yield Day(
        on=entry.due_on,
        title=progress.CLOCK_WORDS.get(entry.clock, _("办理期限")),
        text=_("请在这一天前补正并重新上报，逾期申请终止。")
        if mine
        else format_lazy(_("由{holder}办理。"), holder=progress.holder_of(entry)),
        uid=f"case-{entry.case_id}-{entry.clock}",
        main=mine,
        provisional=entry.due_provisional,
        tone="amber" if mine else "",
    )


def _of_draft(stands: Affairs, rules: Policy) -> Iterator[Day]:
    if stands.draft is None:
        return
    kept = clock.day_of(stands.draft.saved_at) + timedelta(days=rules.draft_retention_days)
    yield Day(
        on=kept,
        title=_("草稿保留到这一天"),
        text=_("此前没有再修改的，草稿会删除。"),
        uid=f"draft-{stands.draft.pk}",
        main=False,
    )


def _hours(stands: Affairs, rules: Policy) -> Hours | None:
    """The hours of the running period (Order 11 art. 23)."""
    current = standing.counting(stands.registrations, stands.today)
    since = circumstances.period_began(stands.registrations, current)
    if since is None or not rules.ce_hours_required:
        return None
    rows = TrainingHours.objects.filter(
        people.rows_of(stands.person), begun_on__gte=since, ended_on__lte=stands.today
    )
    entered = rows.aggregate(sum=Sum("hours"))["sum"] or Decimal(0)
    return Hours(entered=tidy(entered), required=Decimal(rules.ce_hours_required), since=since)


def _span(last: Registration, rules: Policy, today: date) -> Span | None:
    """The bar runs from some months before renewal opens, or today, to the end."""
    opens = reminders.renewal_opens(last.valid_to, rules)
    begins, ends = min(today, clock.add_months(opens, -1)), last.valid_to
    whole = (ends - begins).days or 1
    safe = max(opens, ends - timedelta(days=SAFE_DAYS))

    def place(day: date) -> int:
        return max(0, min(1000, (day - begins).days * 1000 // whole))

    return Span(begins=begins, ends=ends, opens=place(opens), safe=place(safe), today=place(today))


# --- The calendar file -----------------------------------------------------------------------------


def calendar_of(dates: Dates, *, home: str, host: str) -> bytes:
    """The days to come as an iCalendar file (RFC 5545): whole days, with alarms, in the reader's language."""
    calendar = Calendar()
    calendar.add("prodid", "-//registration portal//my dates//ZH")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add("x-wr-calname", str(_("注册安全工程师注册期限")))
    for day in dates.to_come:
        if day.main:
            calendar.add_component(_event(day, home=home, host=host))
    return bytes(calendar.to_ical())


def _event(day: Day, *, home: str, host: str) -> Event:
    event = Event()
    event.add("uid", f"{day.uid}@{host}")
    event.add("dtstamp", clock.now())
    event.add("dtstart", day.on)
    event.add("dtend", day.on + ONE_DAY)
    event.add("summary", f"{day.title}{_('（暂定）') if day.provisional else ''}")
    event.add("description", f"{day.text}\n{home}".strip())
    event.add("transp", "TRANSPARENT")
    event.add("class", "PRIVATE")
    alarm = Alarm()
    alarm.add("action", "DISPLAY")
    alarm.add("description", str(day.title))
    alarm.add("trigger", ALARM)
    event.add_component(alarm)
    return event
