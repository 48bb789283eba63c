"""Where a person's affairs stand today: open application, draft, registration. Loaded once per request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from intake import filing, flows, progress
from intake.flows import Step
from intake.models import Application
from intake.progress import Display
from register import clock, materials, people, policy, standing
from register.eligibility import Answer, answers_for
from register.models import DocketEntry, Kind, Person, Registration
from register.standing import Standing, Status

Text = str | Promise

# How the register's word is shown (Order 11 arts 13 and 14 for the two in brackets).
STATUS_TAGS: Final[dict[Status, tuple[str, str, str]]] = {
    Status.UNREGISTERED: ("grey", "outline", "info"),
    Status.VALID: ("green", "filled", "check"),
    Status.RENEWAL_DUE: ("amber", "filled", "clock"),
    Status.CHANGE_PENDING: ("amber", "outline", "warning"),
    Status.DEEMED_RENEWED: ("green", "outline", "clock"),
    Status.EXPIRED: ("grey", "filled", "clock"),
    Status.CANCELLED: ("red", "outline", "cross"),
    Status.REVOKED: ("red", "outline", "cross"),
    Status.WITHDRAWN: ("red", "outline", "cross"),
}
STATUS_MEANS: Final[dict[Status, Text]] = {
    Status.UNREGISTERED: _("您还没有注册。注册后才能以注册安全工程师的名义执业。"),
    Status.VALID: _("注册有效，可以执业。"),
    Status.RENEWAL_DUE: _("注册有效，有效期即将届满。需要继续执业的，请在有效期内申请延续注册。"),
    Status.CHANGE_PENDING: _("变更注册办理期间不得以注册安全工程师名义执业；变更办结后恢复，有效期不变。"),
    Status.DEEMED_RENEWED: _(
        "您已按期申请延续注册，审批机关没有在有效期满前作出决定，视为准予延续，可以继续执业；"
        "正式决定作出后另行通知。"
    ),
    Status.EXPIRED: _("注册已到期，不能再以注册安全工程师名义执业。需要继续执业的，请申请重新注册。"),
    Status.CANCELLED: _("注册已注销。重新符合条件的，可以申请重新注册。"),
    Status.REVOKED: _("注册已撤销。"),
    Status.WITHDRAWN: _("注册已吊销。"),
}


@dataclass(frozen=True, kw_only=True)
class Affairs:
    """What the personal page and the notice board tell from."""

    person: Person
    today: date
    # The application that is going on, or else the last one.
    entry: DocketEntry | None
    draft: Application | None
    registrations: list[Registration]
    stands: Standing

    @cached_property
    def answers(self) -> Mapping[Kind, Answer]:
        """What the person may apply for today."""
        return answers_for(self.stands, self.today)

    @cached_property
    def status(self) -> Status:
        """The register's word for the person today."""
        return self.stands.status(self.today, policy.current(self.today).renewal_open_months)

    @property
    def status_display(self) -> Display:
        tone, shape, icon = STATUS_TAGS[self.status]
        return Display(word=self.status.label, tone=tone, shape=shape, icon=icon)

    @property
    def status_means(self) -> Text:
        return STATUS_MEANS[self.status]

    @property
    def current(self) -> DocketEntry | None:
        """The application with which somebody still has something to do."""
        return self.entry if self.entry and progress.is_going_on(self.entry) else None

    @property
    def recent(self) -> DocketEntry | None:
        """The application going on, or one that ended not long ago."""
        if self.entry is None or self.current:
            return self.entry
        since = self.today - timedelta(days=progress.SHOWN_AFTER_THE_END)
        return self.entry if clock.day_of(self.entry.updated_at) >= since else None

    @property
    def registration(self) -> Registration | None:
        """The registration that counts today, in force or over; else the one not begun yet."""
        begun = [row for row in self.registrations if row.valid_from <= self.today]
        return (begun or self.registrations)[-1] if self.registrations else None

    @property
    def to_come(self) -> Registration | None:
        """A period already granted that follows the one in force."""
        last = self.registrations[-1] if self.registrations else None
        return last if last and last is not self.registration and not last.ended_how else None


def affairs_of(person: Person) -> Affairs:
    """The affairs of a person today: four queries."""
    today = clock.today()
    registrations = standing.registrations_of(person)
    return Affairs(
        person=person,
        today=today,
        entry=latest_entry(person),
        draft=filing.draft_of(person),
        registrations=registrations,
        stands=standing.standing_of(person, today, registrations=registrations),
    )


def latest_entry(person: Person) -> DocketEntry | None:
    """The person's open application, or the one lodged last, at whatever agency it is now."""
    lines = DocketEntry.objects.filter(people.rows_of(person)).select_related("agency")
    return lines.order_by("-open", "-lodged_on", "-updated_at").first()


@dataclass(frozen=True, slots=True)
class Reached:
    """How far a draft has come: its step, and which one of how many that is."""

    step: Step
    number: int
    of: int


def reached(draft: Application) -> Reached:
    """The step on which the draft's author stopped; the first one where nobody has begun."""
    hours_count = materials.hours_count(draft.kind, late=draft.late)
    steps = flows.numbered(flows.steps_of(draft.kind, hours_count=hours_count))
    step = flows.step_named(draft.kind, draft.step, hours_count=hours_count) or steps[0]
    # A side page belongs to the beginning.
    return Reached(step, steps.index(step) + 1 if step in steps else 1, len(steps))
