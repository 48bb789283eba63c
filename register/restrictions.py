"""Restrictions (限制申请期): a registrar enters and lifts periods in which a person may not apply again.

After a revocation or a withdrawal the law itself bars for some years (`register.standing.banned_until`):
that needs no row here.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Final
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from notifications import outbox
from register import clock, policy, registrars
from register.models import Person, Restriction
from tenants.errors import Refusal
from tenants.models import User

Ground = Restriction.Ground
# The years of a restriction by its ground, as the policy of the day has them; any other ground names its day.
YEARS: Final[Mapping[str, str]] = {
    Ground.FALSE_MATERIAL: "reapply_ban_false_material",
    Ground.CHEATING: "reapply_ban_cheating",
    Ground.PENALTY: "reapply_ban_penalty",
}
REASON_LENGTH: Final = 300


def years_of(ground: str, on: date | None = None) -> int | None:
    """The years of a restriction for this ground by the policy of a day (today); None where none are set."""
    key = YEARS.get(ground)
    return getattr(policy.current(on), key) if key else None


def enter(
    *,
    person: Person,
    ground: str,
    reason: str,
    by: User,
    until: date | None = None,
    case_id: UUID | None = None,
) -> Restriction:
    """Enter a restriction from today on; its end follows from the ground, or is `until` for any other ground.

    The day of the act is not counted (civil code arts 201, 202). Call it in a transaction. Raises Refusal for
    anybody but a registrar, without words, for an end that is not ahead, and for a proposal followed already.
    """
    registrars.require(by, person)
    if not reason.strip():
        raise Refusal(_("请写明事实和依据。"), code="no_reason")
    today = clock.today()
    years = years_of(ground, today)
    last = clock.add_years(today, years) if years else until
    if years == 0:
        raise Refusal(_("现行政策对这一事由不限制再次申请。"), code="no_ban")
    if last is None or last <= today:
        raise Refusal(_("限制申请期的结束日期须在今天之后。"), code="until")
    locked = Person.objects.select_for_update(of=("self",)).get(pk=person.merged_into_id or person.pk)
    if case_id and Restriction.objects.filter(case_id=case_id).exists():
        raise Refusal(_("这项建议已经办理，限制申请期已登记。"), code="entered")
    row = Restriction.objects.create(
        person=locked,
        ground=ground,
        reason=reason.strip()[:REASON_LENGTH],
        since=today,
        until=last,
        case_id=case_id,
        entered_by=by,
    )
    outbox.post(
        user_id=locked.user_id,
        kind="restricted",
        cause=f"restriction:{row.pk}",
        data={
            "ground": outbox.in_both(Ground(ground).label),
            "reason": row.reason.rstrip("。；"),
            "until": outbox.day(last),
        },
    )
    return row


def lift(*, restriction_id: int, reason: str, by: User) -> Restriction:
    """Lift a restriction before its time, from today on. Raises Refusal where it no longer runs."""
    if not reason.strip():
        raise Refusal(_("请说明解除的理由。"), code="no_reason")
    with transaction.atomic():
        row = (
            Restriction.objects.select_for_update(of=("self",))
            .select_related("person__merged_into")
            .get(pk=restriction_id)
        )
        registrars.require(by, row.person)
        today = clock.today()
        if row.lifted_on is not None:
            raise Refusal(_("这项限制已经解除。"), code="lifted")
        if row.until < today:
            raise Refusal(_("限制申请期已经届满，不需要解除。"), code="over")
        row.lifted_on, row.lifted_by, row.lift_reason = today, by, reason.strip()[:REASON_LENGTH]
        row.save(update_fields=["lifted_on", "lifted_by", "lift_reason"])
        outbox.post(
            user_id=(row.person.merged_into or row.person).user_id,
            kind="restriction_lifted",
            cause=f"restriction:{row.pk}:lifted",
            data={"on": outbox.day(today), "reason": row.lift_reason.rstrip("。；")},
        )
    return row
