"""The first line of the notice board: where things stand, whose turn it is, until when.

It tells of the application that is going on; else of the draft; else of the registration.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from intake import affairs, progress
from intake.affairs import Affairs
from intake.models import Application
from intake.progress import Display
from intake.views.found import Text
from register import clock, policy
from register.eligibility import Answer
from register.models import DocketEntry, Kind
from register.standing import Status
from review.states import State

DRAFT: Display = Display(word=Application.Status.DRAFT.label, tone="grey", shape="outline", icon="edit")


@dataclass(frozen=True, slots=True, kw_only=True)
class Now:
    """The line as `components/notice_now.html` shows it.

    A running clock is told in working days (`left`, `due_on`), any other date in words (`until`).
    """

    subject: Text
    display: Display
    turn: Text
    mine: bool = False
    url: str = ""
    due_word: Text = ""
    due_on: date | None = None
    left: int | None = None
    provisional: bool = False
    target: bool = False
    until: Text = ""


def now_of(stands: Affairs) -> Now:
    """The line of a person."""
    if stands.current:
        return _of_application(stands.current)
    if stands.draft:
        return _of_draft(stands.draft, stands)
    if stands.registration:
        return _of_registration(stands)
    return _of_nothing(stands)


def _of_application(entry: DocketEntry) -> Now:
    state = State(entry.state)
    mine = state == State.CORRECTION
    page = "correction" if mine else "application"
    return Now(
        subject=Kind(entry.kind).label,
        display=progress.display_of(state),
        turn=_turn_to(progress.holder_of(entry), mine=mine),
        mine=mine,
        url=reverse(page, args=[entry.case_id]),
        due_word=progress.CLOCK_WORDS.get(entry.clock, _("办理期限")),
        due_on=entry.due_on,
        left=progress.days_left(entry),
        provisional=entry.due_provisional,
        target=progress.is_target(entry),
    )


def _turn_to(holder: Text, *, mine: bool) -> str:
    return _("轮到您办理：请补正后重新上报") if mine else _("轮到%(holder)s办理") % {"holder": holder}


def _of_draft(draft: Application, stands: Affairs) -> Now:
    how_far = affairs.reached(draft)
    answer = stands.answers[Kind(draft.kind)]
    return Now(
        subject=draft.get_kind_display(),
        display=DRAFT,
        turn=_("轮到您办理：填写至“%(step)s”，请继续填写并上报") % {"step": how_far.step.label},
        mine=True,
        url=reverse("step", args=[draft.pk, how_far.step.slug]),
        until=_kept_until(draft, answer, stands),
    )


def _kept_until(draft: Application, answer: Answer, stands: Affairs) -> Text:
    """By when the draft must be lodged; until when it is kept at least."""
    if not answer.allowed:
        return answer.reason
    days = timedelta(days=policy.current(stands.today).draft_retention_days)
    kept = clock.day_of(draft.saved_at) + days
    if answer.closes_on and not answer.late and answer.closes_on <= kept:
        return _last_day(answer.closes_on, stands.today)
    return _("草稿保留至%(day)s") % {"day": date_format(kept)}


def _last_day(day: date, today: date) -> str:
    return _("请在%(day)s前上报（%(left)s）") % {"day": date_format(day), "left": days_left(day, today)}


def days_left(last: date, today: date) -> str:
    """Calendar days left until the end of a day, in words."""
    days = (last - today).days
    if days < 0:
        return _("已过 %(n)s 天") % {"n": -days}
    return _("还剩 %(n)s 天") % {"n": days} if days else _("今天到期")


def _of_registration(stands: Affairs) -> Now:
    held, status = stands.registration, stands.status
    assert held is not None  # noqa: S101 - asked only where there is one
    renewal, again = stands.answers[Kind.RENEWAL], stands.answers[Kind.REREGISTRATION]
    may_renew = status is Status.RENEWAL_DUE and renewal.allowed
    may_register_again = not status.in_force and again.allowed
    turn = _("目前不需要您办理")
    if may_renew:
        turn = _("轮到您办理：可以申请延续注册")
    elif may_register_again:
        turn = _("需要继续执业的，请您申请重新注册")
    return Now(
        subject=_("执业证 %(number)s") % {"number": held.number},
        display=stands.status_display,
        turn=turn,
        mine=may_renew,
        url=_start(Kind.RENEWAL) if may_renew else _start(Kind.REREGISTRATION) if may_register_again else "",
        until=_validity(stands),
    )


def _validity(stands: Affairs) -> str:
    last = (stands.to_come or stands.registration or stands.registrations[-1]).valid_to
    if stands.registration and stands.registration.ended_on and not stands.status.in_force:
        return _("%(day)s起失效") % {"day": date_format(stands.registration.ended_on)}
    left = days_left(last, stands.today)
    return _("有效期至%(day)s（%(left)s）") % {"day": date_format(last), "left": left}


def _of_nothing(stands: Affairs) -> Now:
    answer = stands.answers[Kind.INITIAL]
    turn = _("轮到您办理：可以申请初始注册") if answer.allowed else answer.reason
    until: Text = ""
    if answer.allowed and answer.closes_on:
        until = answer.reason if answer.late else _last_day(answer.closes_on, stands.today)
    return Now(
        subject=_("注册"),
        display=stands.status_display,
        turn=turn,
        mine=answer.allowed,
        url=_start(Kind.INITIAL) if answer.allowed else "",
        until=until,
    )


def _start(kind: Kind) -> str:
    return reverse("application_new", args=[kind])
