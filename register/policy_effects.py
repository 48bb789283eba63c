"""What a policy value would change, told before it is entered: for whom, for how many, with an example."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any, Final

from django.db import connection
from django.db.models import Max, Q
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from register import clock
from register.models import DocketEntry, Person
from register.policy import Policy
from register.policy_book import Key, Reach

# Granted and not issued yet: decided by the frozen values as well, until the certificate is there.
RUNNING: Final = Q(open=True) | Q(clock="I")


@dataclass(frozen=True, slots=True)
class Change:
    """A key's value before and from a day on, and the whole policy with either."""

    key: Key
    day: date
    before: Policy
    after: Policy

    @classmethod
    def of(cls, key: Key, value: Any, day: date, rules: Policy) -> Change:
        """`rules` are those that would count on the day without the new value."""
        return cls(key, day, rules, replace(rules, **{key.key: value}))


def effects(change: Change) -> list[str]:
    """The sentences of the preview: who is not touched, who is, and an example."""
    tell = EXAMPLES.get(change.key.key)
    return [_running(), _from_then_on(change), *(tell(change) if tell else [])]


def _running() -> str:
    count = DocketEntry.objects.filter(RUNNING).count()
    return _("现有 {n} 件在办案卷不受影响，仍按上报时的政策参数办理。").format(n=count)


def _from_then_on(change: Change) -> str:
    return {
        Reach.LODGED: _("{day}起上报的申请按新值办理；此前上报的，无论何时办结，均按原值办理。"),
        Reach.ELIGIBLE: _(
            "{day}起能否提出申请按新值判断；此前已经上报的不受影响，没有上报的草稿按新值判断。"
        ),
        Reach.REGISTER: _("{day}起作出的撤销、吊销和限制登记按新值计算；此前作出的仍按原值计算。"),
        Reach.DAY: _("{day}起对所有人适用。"),
    }[change.key.reach].format(day=_day(change.day))


# --- Examples --------------------------------------------------------------------------------------------


def _validity(change: Change) -> list[str]:
    day = change.day
    said = _("例如：{day}上报并准予的初始注册，有效期 {n} 年，至 {until}（原值：{m} 年，至 {before}）。")
    return [
        said.format(
            day=_day(day),
            n=change.after.validity_years,
            until=clock.validity_end(day, change.after.validity_years).isoformat(),
            m=change.before.validity_years,
            before=clock.validity_end(day, change.before.validity_years).isoformat(),
        ),
        _("已经准予的注册，有效期不变。"),
    ]


def _renewal_window(change: Change) -> list[str]:
    expiry = clock.add_years(change.day, 1)
    windows = [
        _("{opens} 至 {closes}").format(
            opens=clock.add_months(expiry, -rules.renewal_open_months).isoformat(),
            closes=(expiry - timedelta(days=rules.renewal_close_days_before)).isoformat(),
        )
        for rules in (change.after, change.before)
    ]
    said = _("例如：有效期至 {expiry} 的注册，延续注册的申请期为 {now}（原值：{before}）。")
    return [
        said.format(expiry=expiry.isoformat(), now=windows[0], before=windows[1]),
        _("{day}有 {n} 名已注册人员的延续申请期与现在不同。").format(
            day=_day(change.day), n=_registered(change.day)
        ),
        _at_once(change),
    ]


def _at_once(change: Change) -> str:
    """How many could apply on that very day by one value, and not by the other."""
    wins, loses = _may_renew(change.after, change.before, change.day)
    return _(
        "其中 {n} 人自当日起即可申请延续（按原值尚不能），{m} 人自当日起不能申请（按原值可以）。"
    ).format(n=wins, m=loses)


LAST: Final = """
    SELECT coalesce(p.merged_into_id, p.id) AS person, max(r.valid_to) AS valid_to
    FROM public.register_registration r JOIN public.register_person p ON p.id = r.person_id
    WHERE r.ended_how = '' GROUP BY 1 HAVING max(r.valid_to) >= %(day)s
"""
WINDOW: Final = (
    "(%(day)s::date BETWEEN (valid_to - make_interval(months => %({0}_open)s))::date"
    " AND valid_to - %({0}_close)s)"
)
MAY_RENEW: Final = f"""
WITH last AS ({LAST})
SELECT count(*) FILTER (WHERE {WINDOW.format("new")} AND NOT {WINDOW.format("old")}),
       count(*) FILTER (WHERE {WINDOW.format("old")} AND NOT {WINDOW.format("new")})
FROM last
"""  # noqa: S608 - only names of our own


def _may_renew(new: Policy, old: Policy, day: date) -> tuple[int, int]:
    """How many registered people may renew on a day by the new values only, and by the old ones only."""
    values: dict[str, date | int] = {
        "day": day,
        "new_open": new.renewal_open_months,
        "new_close": new.renewal_close_days_before,
        "old_open": old.renewal_open_months,
        "old_close": old.renewal_close_days_before,
    }
    with connection.cursor() as cursor:
        cursor.execute(MAY_RENEW, values)
        wins, loses = cursor.fetchone()
    return wins, loses


REGISTERED: Final = f"""
    SELECT count(*) FROM ({LAST}) last JOIN public.register_person living ON living.id = last.person
    WHERE %(born)s::date IS NULL OR living.birth_date < %(born)s
"""  # noqa: S608 - only names of our own


def _registered(day: date, *, born_before: date | None = None) -> int:
    """How many people are registered on a day, as far as is known today; those born before a day only."""
    with connection.cursor() as cursor:
        cursor.execute(REGISTERED, {"day": day, "born": born_before})
        (count,) = cursor.fetchone()
    return int(count)


def _initial_window(change: Change) -> list[str]:
    issued = date(change.day.year - 1, 3, 1)
    said = _("例如：{issued} 签发的资格证书，初始注册期限至 {now}（原值：至 {before}）。")
    return [
        said.format(
            issued=issued.isoformat(),
            now=clock.add_years(issued, change.after.initial_window_years).isoformat(),
            before=clock.add_years(issued, change.before.initial_window_years).isoformat(),
        ),
        _("{day}有 {n} 名尚未注册人员的情况因此改变（按期或者逾期）。").format(
            day=_day(change.day), n=_moved_by_the_window(change)
        ),
    ]


def _moved_by_the_window(change: Change) -> int:
    """Who was never registered and is on time by one value and late by the other on that day."""
    years = sorted({change.before.initial_window_years, change.after.initial_window_years})
    after, until = (clock.add_years(change.day, -count) for count in (years[-1], years[0]))
    people = Person.objects.filter(merged_into=None, registrations__isnull=True)
    latest = people.annotate(issued=Max("qualifications__issued_on"))
    return latest.filter(issued__gte=after, issued__lt=until).count()


def _clock(change: Change) -> list[str]:
    now, before = (
        clock.add_working_days(change.day, getattr(rules, change.key.key))
        for rules in (change.after, change.before)
    )
    said = _("例如：期限自{day}起算的，至 {now}（原值：至 {before}）。")
    return [said.format(day=_day(change.day), now=now.day.isoformat(), before=before.day.isoformat())]


def _max_age(change: Change) -> list[str]:
    if change.after.max_age is None:
        return [_("{day}起申请没有最高年龄限制。").format(day=_day(change.day))]
    born = clock.add_years(change.day, -change.after.max_age)
    return [
        _("{day}当日，{born} 以前出生的不能提出申请。").format(day=_day(change.day), born=born.isoformat()),
        _("其中现有 {n} 名已注册人员，其现有注册不受影响，但不能再延续。").format(
            n=_registered(change.day, born_before=born)
        ),
    ]


def _number_pattern(change: Change) -> list[str]:
    values = {"year": change.day.year % 100, "agency": 11, "serial": 123}
    return [
        _("例如：{now}（原值：{before}）。已经发放的编号不变。").format(
            now=change.after.certificate_number_pattern.format(**values),
            before=change.before.certificate_number_pattern.format(**values),
        )
    ]


def _day(day: date) -> str:
    return date_format(day, "DATE_FORMAT")


Tell = Callable[[Change], list[str]]
CLOCKS: Final = (
    "correction_notice_days",
    "correction_deadline_days",
    "first_review_days",
    "final_review_days",
    "issue_days",
    "remand_days",
)
EXAMPLES: Final[Mapping[str, Tell]] = {
    "validity_years": _validity,
    "renewal_open_months": _renewal_window,
    "renewal_close_days_before": _renewal_window,
    "initial_window_years": _initial_window,
    "max_age": _max_age,
    "certificate_number_pattern": _number_pattern,
    **dict.fromkeys(CLOCKS, _clock),
}
