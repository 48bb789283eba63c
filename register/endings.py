"""How a registration ends before its time: 注销, 撤销, 吊销, each with the grounds the law knows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final

from django.db import models
from django.utils.translation import gettext_lazy as _

from register import clock, policy
from register.models import Kind, Registration
from register.standing import Period, banned_until

How = Registration.End


class Ground(models.TextChoices):
    """Why a registration is ended (Order 11 arts 15, 16, 31, 32; Administrative Licensing Law art. 70)."""

    REQUEST = "request", _("本人申请注销")
    DEATH = "death", _("死亡或者丧失行为能力")
    CRIMINAL = "criminal", _("受到刑事处罚")
    EMPLOYMENT = "employment", _("聘用关系终止，或者聘用单位被吊销营业执照、资质，未重新注册或者变更注册")
    OTHER_LAW = "other_law", _("法律、法规规定应当注销的其他情形")
    CHEATING = "cheating", _("以欺骗、贿赂等不正当手段取得注册")
    LENDING = "lending", _("出租、出借、转让执业证或者执业印章")
    OWN_NAME = "own_name", _("以个人名义承接业务、收取费用")
    FALSE_RESULTS = "false_results", _("出具虚假或者有重大疏漏的执业成果文件")
    BEYOND_SCOPE = "beyond_scope", _("超出执业范围或者聘用单位业务范围执业")
    OTHER_PENALTY = "other_penalty", _("依法应当吊销执业证的其他违法行为")


GROUNDS: Final[Mapping[How, Sequence[Ground]]] = {
    How.CANCELLED: (
        Ground.REQUEST,
        Ground.DEATH,
        Ground.CRIMINAL,
        Ground.EMPLOYMENT,
        Ground.OTHER_LAW,
    ),
    How.REVOKED: (Ground.CHEATING,),
    How.WITHDRAWN: (
        Ground.LENDING,
        Ground.OWN_NAME,
        Ground.FALSE_RESULTS,
        Ground.BEYOND_SCOPE,
        Ground.OTHER_PENALTY,
    ),
}


def barred_until(how: str, on: date | None = None) -> date | None:
    """The last day on which nobody may apply again whose registration is ended so on a day (today)."""
    day = on or clock.today()
    # Only how and when it ended count; the period itself says nothing more here.
    ended = Period(
        kind=Kind.INITIAL, valid_from=day, valid_to=day, granted_on=day, ended_how=how, ended_on=day
    )
    return banned_until(ended, policy.current(day))
