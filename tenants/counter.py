"""柜台重置: an applicant without e-mail comes to the counter, and an officer issues a one-time code.

The officer has seen the identity document. Where two persons are asked for, a second one approves before
the first may see the code. Only the hash of a code is kept; it is shown once, to the officer who issued it.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import models, transaction
from django.db.models import F, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tenants import credentials
from tenants.errors import Refusal
from tenants.models import Agency, CounterCode, User

NOBODY: Final = UUID(int=0)
# A request that nobody approves, or whose code nobody looks at, is void after so long.
REQUEST_HOURS: Final = 8


class Standing(models.TextChoices):
    """Where a code stands."""

    WAITING = "waiting", gettext_lazy("待批准")
    APPROVED = "approved", gettext_lazy("已批准，待显示")
    LIVE = "live", gettext_lazy("可以使用")
    USED = "used", gettext_lazy("已使用")
    SPENT = "spent", gettext_lazy("输错次数过多，已失效")
    EXPIRED = "expired", gettext_lazy("已过期")
    CANCELLED = "cancelled", gettext_lazy("已作废")


OPEN: Final = frozenset({Standing.WAITING, Standing.APPROVED, Standing.LIVE})


def standing_of(code: CounterCode, at: datetime) -> Standing:
    """Where a code stands at a moment."""
    if code.used_at:
        return Standing.USED
    if code.cancelled_at:
        return Standing.CANCELLED
    if not code.code_hash:
        if at >= code.issued_at + timedelta(hours=REQUEST_HOURS):
            return Standing.EXPIRED
        return Standing.APPROVED if code.approved_at else Standing.WAITING
    if code.expires_at is None or at >= code.expires_at:
        return Standing.EXPIRED
    return Standing.SPENT if code.attempts >= credentials.COUNTER_ATTEMPTS else Standing.LIVE


def issued_since(agency: Agency, since: datetime) -> QuerySet[CounterCode]:
    """What this agency has issued since a moment, latest first."""
    codes = CounterCode.objects.filter(agency=agency, issued_at__gte=since)
    return codes.select_related("issued_by", "approved_by").order_by("-issued_at")


def issue(
    *,
    agency: Agency,
    person_id: UUID,
    name: str,
    document_mask: str,
    reason: str,
    by: User,
    two_persons: bool,
    at: datetime,
) -> tuple[CounterCode, str]:
    """Issue a code; empty, and shown only after approval, where two persons are asked for.

    What this agency had issued to the same person and is still open becomes void.
    """
    with transaction.atomic():
        open_ones = CounterCode.objects.filter(agency=agency, person_id=person_id, used_at=None)
        open_ones.filter(cancelled_at=None).update(cancelled_at=at)
        issued = CounterCode.objects.create(
            agency=agency,
            person_id=person_id,
            name=name,
            document_mask=document_mask,
            reason=reason,
            issued_by=by,
            issued_at=at,
        )
        return issued, "" if two_persons else _make(issued, at)


def approve(*, code: CounterCode, by: User, at: datetime) -> None:
    """The second officer agrees. Raises `Refusal` for the one who issued it."""
    with transaction.atomic():
        locked = _locked(code, {Standing.WAITING}, at)
        if locked.issued_by_id == by.pk:
            raise Refusal(_("须由签发人以外的人员批准。"), "oneself")
        locked.approved_by, locked.approved_at = by, at
        locked.save(update_fields=["approved_by", "approved_at"])


def reveal(*, code: CounterCode, by: User, at: datetime) -> str:
    """Make the approved code and show it to the officer who asked for it, once."""
    with transaction.atomic():
        locked = _locked(code, {Standing.APPROVED}, at)
        if locked.issued_by_id != by.pk:
            raise Refusal(_("重置码只向签发人显示。"), "not_issuer")
        return _make(locked, at)


def cancel(*, code: CounterCode, at: datetime) -> None:
    """Make a code void before it is used."""
    with transaction.atomic():
        locked = _locked(code, OPEN, at)
        locked.cancelled_at = at
        locked.save(update_fields=["cancelled_at"])


def _make(code: CounterCode, at: datetime) -> str:
    letters = credentials.counter_code()
    code.code_hash = credentials.counter_hash(letters)
    code.expires_at = at + timedelta(minutes=credentials.COUNTER_MINUTES)
    code.save(update_fields=["code_hash", "expires_at"])
    return letters


def _locked(code: CounterCode, wanted: set[Standing] | frozenset[Standing], at: datetime) -> CounterCode:
    locked = CounterCode.objects.select_for_update(of=("self",)).get(pk=code.pk, agency=code.agency_id)
    standing = standing_of(locked, at)
    if standing not in wanted:
        said = _("这个重置码目前的状态是“{standing}”，不能办理此事项。").format(standing=standing.label)
        raise Refusal(said, "standing")
    return locked


# --- The applicant's side --------------------------------------------------------------------------


def tried(*, person_id: UUID, typed: str, at: datetime) -> CounterCode | None:
    """The open code of this person, if that is what was typed; every try counts, a few are allowed.

    The same is asked and computed where the person or a code does not exist.
    """
    with transaction.atomic():
        known = CounterCode.objects.select_for_update(of=("self",)).filter(
            person_id=person_id,
            used_at=None,
            cancelled_at=None,
            expires_at__gt=at,
        )
        # The latest counts, spent or not: an earlier one gives no further tries.
        code = known.exclude(code_hash="").order_by("-issued_at").first()
        tries = CounterCode.objects.filter(pk=code.pk if code else NOBODY)
        left = tries.filter(attempts__lt=credentials.COUNTER_ATTEMPTS).update(attempts=F("attempts") + 1)
        right = credentials.is_counter_code(typed, code.code_hash if code else "")
    return code if left and right else None


def use(*, code_id: UUID, person_id: UUID, at: datetime) -> bool:
    """Use a code up, in the caller's transaction; whether it was still open.

    Every other code and request of the person becomes void, whichever agency made it.
    """
    open_ones = CounterCode.objects.filter(person_id=person_id, used_at=None, cancelled_at=None)
    code = open_ones.filter(pk=code_id, expires_at__gt=at).exclude(code_hash="")
    if not code.update(used_at=at):
        return False
    open_ones.update(cancelled_at=at)
    return True
