"""The decision by which a registration ended (注销, 撤销, 吊销决定书), drawn when it is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from register import endings, policy
from register.models import Person, Registration
from review.documents import letters, wording
from review.documents.letters import RULES, Letter, Signer
from tenants.models import Agency

How = Registration.End
ARTICLES: Final[Mapping[str, str]] = {
    How.CANCELLED: "第十六条",
    How.REVOKED: "第三十一条",
    How.WITHDRAWN: "第三十二条",
}
TITLES: Final[Mapping[str, str]] = {
    How.CANCELLED: "注销注册决定书",
    How.REVOKED: "撤销注册决定书",
    How.WITHDRAWN: "吊销执业证决定书",
}
# As the reader of a page reads them; the letters themselves are written in Chinese.
LABELS: Final = {
    How.CANCELLED: _("注销注册决定书"),
    How.REVOKED: _("撤销注册决定书"),
    How.WITHDRAWN: _("吊销执业证决定书"),
}
DONE: Final[Mapping[str, str]] = {
    How.CANCELLED: "注销你的注册",
    How.REVOKED: "撤销你的注册",
    How.WITHDRAWN: "吊销你的执业证",
}


def decided() -> QuerySet[Registration]:
    """Registrations that a registrar ended here. What came ended with old records has no decision of ours."""
    return Registration.objects.filter(ended_on__isnull=False, ended_by__isnull=False)


def letter_of(row: Registration, person: Person, authority: Agency) -> Letter:
    """The decision for one registration that was ended here; it carries the masked document number."""
    if row.ended_on is None or row.ended_by_id is None:
        raise ValueError(f"registration {row.pk} was not ended here")
    rules = policy.current(row.ended_on)
    barred = endings.barred_until(row.ended_how, row.ended_on)
    word = How(row.ended_how)
    signer = Signer.of(authority)
    paragraphs = [
        f"你的注册（执业证编号：{row.number}，有效期：{wording.day(row.valid_from)}至{wording.day(row.valid_to)}，"
        f"聘用单位：{row.employer_name}）。",
        f"事由：{row.end_reason.rstrip('。；')}。",
        f"根据{RULES}{ARTICLES[word]}的规定，决定自{wording.day(row.ended_on)}起{DONE[word]}。"
        "自该日起，你不得再以注册安全工程师的名义执业，请交回执业证和执业印章。",
        *([f"你在{wording.day(barred)}（含当日）之前不得再次申请注册。"] if barred else []),
        f"如不服本决定，可在收到本决定之日起{rules.reconsideration_days}日内申请行政复议，"
        f"或在{rules.lawsuit_months}个月内提起行政诉讼。",
    ]
    return letters.printable(
        Letter(
            slug=row.ended_how,
            reference=row.number,
            title=TITLES[word],
            number=f"{row.number}-{TITLES[word][:2]}",
            paragraphs=paragraphs,
            head=signer.head,
            issuer=signer.name,
            to=f"{person.name}（证件号码：{person.document_mask}）：",
            on=row.ended_on,
        )
    )
