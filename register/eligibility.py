"""Who may apply for what, why not, and from when (Order 11 arts 12 to 15, policy values).

`decide` works on plain values; `may_apply` and `answers` read them for a person.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

from django.utils import formats
from django.utils.functional import Promise, lazy
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from register import clock
from register.clock import ONE_DAY
from register.models import Kind, Person
from register.policy import Policy, current
from register.standing import ENDED, Period, Standing, standing_of

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise


def _date_text(day: date) -> str:
    return formats.date_format(day, "DATE_FORMAT")


# A date in the reader's language, formatted when the sentence is shown.
say: Final = lazy(_date_text, str)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Whether a person may apply now; if not, why and from when; if so, how long still.

    `late` marks a late initial registration: allowed, with continuing-education proof.
    """

    allowed: bool
    code: str = ""
    reason: str | Promise = ""
    opens_on: date | None = None
    closes_on: date | None = None
    late: bool = False


Rule = Callable[[Standing, date, Policy], Iterator[Answer]]


def decide(standing: Standing, kind: Kind, on: date, policy: Policy) -> Answer:
    """The answer for one kind of application on a day: the first rule that speaks decides."""
    for rule in (*COMMON_RULES, RULES[kind]):
        answer = next(rule(standing, on, policy), None)
        if answer is not None:
            return answer
    raise AssertionError(f"The rule of {kind} left its question open.")


def may_apply(person: Person, kind: Kind | str, on: date | None = None) -> Answer:
    """Whether a person may apply for a kind on a day (today)."""
    day = on or clock.today()
    return decide(standing_of(person, day), Kind(kind), day, current(day))


def answers(person: Person, on: date | None = None) -> Mapping[Kind, Answer]:
    """The answer for each of the four kinds, from one look at the register."""
    day = on or clock.today()
    return answers_for(standing_of(person, day), day)


def answers_for(standing: Standing, on: date) -> Mapping[Kind, Answer]:
    """The four answers where the standing is already at hand."""
    policy = current(on)
    return {kind: decide(standing, kind, on, policy) for kind in Kind}


# --- What keeps a person from every application --------------------------------------------------
def _open_application(standing: Standing, on: date, policy: Policy) -> Iterator[Answer]:
    if standing.open:
        yield _no(
            "open_application",
            _("您有一件{kind}申请正在办理，办结后才能提出新的申请。"),
            kind=standing.open.kind.label,
        )


def _restricted(standing: Standing, on: date, policy: Policy) -> Iterator[Answer]:
    until = standing.restricted_until
    if until and until >= on:
        yield _no(
            "restricted", _("您处于限制申请期内，限制至{day}。"), opens_on=until + ONE_DAY, day=say(until)
        )


def _age(standing: Standing, on: date, policy: Policy) -> Iterator[Answer]:
    if standing.born is None:
        return
    of_age = clock.add_years(standing.born, policy.min_age)
    if on < of_age:
        yield _no(
            "too_young",
            _("申请人须年满{years}周岁，{day}起可以申请。"),
            opens_on=of_age,
            years=policy.min_age,
            day=say(of_age),
        )
    if policy.max_age is not None and on > clock.add_years(standing.born, policy.max_age):
        yield _no("too_old", _("申请人年龄超过{years}周岁，不予注册。"), years=policy.max_age)


# --- One rule per kind ---------------------------------------------------------------------------
def _initial(standing: Standing, on: date, policy: Policy) -> Iterator[Answer]:
    if standing.qualified_on is None:
        yield _no("no_qualification", _("名册中没有您的资格证书，不能申请初始注册。"))
        return
    if standing.periods:
        yield _no("registered_before", _("您已办理过注册，请选择变更注册、延续注册或重新注册。"))
        return
    closes = clock.add_years(standing.qualified_on, policy.initial_window_years)
    if on < standing.qualified_on:
        begins = standing.qualified_on
        yield _no("not_issued", _("您的资格证书自{day}起有效。"), opens_on=begins, day=say(begins))
    elif on <= closes:
        yield Answer(allowed=True, closes_on=closes)
    elif policy.late_initial_allowed:
        reason = _("初始注册期限为{day}，现按逾期初始注册办理，须提交继续教育证明。")
        yield Answer(
            allowed=True,
            late=True,
            code="late",
            reason=format_lazy(reason, day=say(closes)),
            closes_on=closes,
        )
    else:
        yield _no("window_over", _("初始注册期限已于{day}届满。"), closes_on=closes, day=say(closes))


def _change(standing: Standing, on: date, policy: Policy) -> Iterator[Answer]:
    yield from _not_in_force(standing, on)
    opens = _change_opens(standing, policy)
    if opens and on < opens:
        yield _no(
            "cooldown",
            _("距上次变更不足{months}个月，变更注册将于{day}开放。"),
            opens_on=opens,
            months=policy.change_cooldown_months,
            day=say(opens),
        )
    expiry = _expiry(standing)
    ending = on >= clock.add_months(expiry, -policy.renewal_open_months)
    reason = _("注册有效期至{day}。变更办结前不能申请延续注册，需要延续的请先办理延续注册。")
    yield Answer(
        allowed=True, closes_on=expiry, reason=format_lazy(reason, day=say(expiry)) if ending else ""
    )


def _renewal(standing: Standing, on: date, policy: Policy) -> Iterator[Answer]:
    yield from _not_in_force(standing, on)
    expiry = _expiry(standing)
    opens = clock.add_months(expiry, -policy.renewal_open_months)
    closes = expiry - timedelta(days=policy.renewal_close_days_before)
    if on < opens:
        yield _no("too_early", _("延续注册将于{day}开放。"), opens_on=opens, closes_on=closes, day=say(opens))
    if on > closes:
        yield _no(
            "too_late",
            _("延续注册申请已于{day}截止，注册到期后请办理重新注册。"),
            closes_on=closes,
            day=say(closes),
        )
    yield Answer(allowed=True, closes_on=closes)


def _reregistration(standing: Standing, on: date, policy: Policy) -> Iterator[Answer]:
    if not standing.periods:
        yield _unregistered()
        return
    period = standing.current(on)
    if period is None or (not period.ended_by(on) and on <= _expiry(standing)):
        expiry = _expiry(standing)
        yield _no(
            "still_valid",
            _("您的注册有效期至{day}，不需要重新注册。"),
            opens_on=expiry + ONE_DAY,
            day=say(expiry),
        )
    yield Answer(allowed=True)


COMMON_RULES: Final[tuple[Rule, ...]] = (_open_application, _restricted, _age)
RULES: Final[Mapping[Kind, Rule]] = {
    Kind.INITIAL: _initial,
    Kind.CHANGE: _change,
    Kind.RENEWAL: _renewal,
    Kind.REREGISTRATION: _reregistration,
}


def bar_to_grant(standing: Standing, kind: Kind, on: date, policy: Policy) -> Answer | None:
    """What has come up since lodging that forbids granting: asked again on the day of the decision.

    Windows and ages count on the day of lodging and are not asked again. A renewal in time may be granted
    after the expiry; a change needs a registration that is still valid.
    """
    found = next(_restricted(standing, on, policy), None)
    if found:
        return found
    if kind is Kind.INITIAL and standing.periods:
        return _no("registered_before", _("您已办理过注册，请选择变更注册、延续注册或重新注册。"))
    if kind is Kind.CHANGE:
        return next(_not_in_force(standing, on), None)
    if kind is Kind.RENEWAL:
        return next(_not_renewable(standing, on), None)
    if kind is Kind.REREGISTRATION:
        answer = next(_reregistration(standing, on, policy))
        return None if answer.allowed else answer
    return None


# --- Shared parts --------------------------------------------------------------------------------
def _not_in_force(standing: Standing, on: date) -> Iterator[Answer]:
    yield from _ended_or_none(standing, on)
    expiry = _expiry(standing)
    if on > expiry:
        yield _no("expired", _("您的注册已于{day}到期，请办理重新注册。"), day=say(expiry))


def _ended_or_none(standing: Standing, on: date) -> Iterator[Answer]:
    period = standing.current(on)
    if period is not None and period.ended_by(on) and period.ended_on:
        yield _no(
            "ended",
            _("您的注册{word}（{day}），请办理重新注册。"),
            word=ENDED[period.ended_how].label,
            day=say(period.ended_on),
        )
    elif period is None and standing.last:
        begins = standing.last.valid_from
        yield _no("not_begun", _("您的注册自{day}起生效。"), opens_on=begins, day=say(begins))
    elif period is None:
        yield _unregistered()


def _not_renewable(standing: Standing, on: date) -> Iterator[Answer]:
    yield from _ended_or_none(standing, on)
    last = standing.last
    if last and last.valid_from > on:
        yield _no("renewed", _("您的注册已延续，有效期至{day}。"), day=say(last.valid_to))


def _change_opens(standing: Standing, policy: Policy) -> date | None:
    granted = [period.granted_on for period in standing.periods if period.kind is Kind.CHANGE]
    if not granted or not policy.change_cooldown_months:
        return None
    return clock.add_months(max(granted), policy.change_cooldown_months)


def _expiry(standing: Standing) -> date:
    last: Period | None = standing.last
    assert last is not None  # noqa: S101 - asked only of people with a registration
    return last.valid_to


def _unregistered() -> Answer:
    return _no("unregistered", _("您尚未注册，请办理初始注册。"))


def _no(
    code: str,
    sentence: str | _StrPromise,
    *,
    opens_on: date | None = None,
    closes_on: date | None = None,
    **words: object,
) -> Answer:
    return Answer(
        allowed=False,
        code=code,
        reason=format_lazy(sentence, **words),
        opens_on=opens_on,
        closes_on=closes_on,
    )
