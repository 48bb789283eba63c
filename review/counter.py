"""柜台重置 at the agency's desk: the officer has the applicant and the identity document before them."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from register import clock, documents, people, policy
from tenants import counter
from tenants.errors import Refusal
from tenants.models import Agency, CounterCode, User


def issue(
    *, agency: Agency, name: str, document_type: str, number: str, reason: str, by: User
) -> tuple[CounterCode, str]:
    """Issue a one-time code to the person of this document and name; the code, or nothing before approval.

    Raises `Refusal` when the register has no such person, it is the officer, or whoever it is has a verified
    address and so another way to a new password.
    """
    person_id = people.at_counter(document_type, number, name)
    if person_id is None:
        raise Refusal(_("未找到姓名和证件号码都一致的人员，请对照证件核对。"), "unknown")
    if _is_oneself(person_id, by):
        raise Refusal(_("不能为自己签发重置码，请由其他人员办理。"), "oneself")
    if people.has_verified_address(person_id):
        raise Refusal(_("申请人留有已验证的邮箱，请用邮箱找回。"), "has_address")
    return counter.issue(
        agency=agency,
        person_id=person_id,
        name=name,
        document_mask=documents.mask(document_type, number),
        reason=reason,
        by=by,
        two_persons=policy.current().counter_reset_two_person,
        at=clock.now(),
    )


def approve(*, code: CounterCode, by: User) -> None:
    """The second officer agrees; never the issuer, nor the person whose account it is. Raises `Refusal`."""
    if _is_oneself(code.person_id, by):
        raise Refusal(_("不能批准自己的重置码，请由其他人员办理。"), "oneself")
    counter.approve(code=code, by=by, at=clock.now())


def of_today(agency: Agency) -> QuerySet[CounterCode]:
    """What this agency issued today, latest first."""
    return counter.issued_since(agency, _midnight())


def _is_oneself(person_id: UUID, by: User) -> bool:
    """Whether the officer's document, a present or a former one, is this person's."""
    return person_id in people.own_records(by)


def _midnight() -> datetime:
    return clock.now().astimezone(clock.SHANGHAI).replace(hour=0, minute=0, second=0, microsecond=0)
