"""The roles, in plain words. Auditors read this page; `tenants.roles` gives and takes them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True, slots=True)
class Role:
    """One role on one agency (or on the authority): what its holder may do."""

    code: str
    label: str | Promise
    description: str | Promise

    def __str__(self) -> str:
        return str(self.label)


REVIEWER: Final = Role(
    "reviewer",
    _("经办"),
    _("领取案卷，受理或不予受理，一次性告知补正，出具初审意见，报送终审。只办理自己领取的案卷。"),
)
SUPERVISOR: Final = Role(
    "supervisor",
    _("审核"),
    _("复核初审意见，撤销意见，再次退回补正，延长期限，分派和转交案卷。不能复核自己出具的意见。"),
)
MANAGER: Final = Role(
    "manager",
    _("管理员"),
    _("管理本机构的联系方式和工作人员账号，停用账号时改派其案卷。不审查案卷。"),
)
AUDITOR: Final = Role(
    "auditor",
    _("审计员"),
    _("查看本机构的流转记录、授权记录和证件号码查看记录。不作任何更改。"),
)
FINAL_REVIEWER: Final = Role(
    "final_reviewer",
    _("终审员"),
    _("领取已报送的案卷，作出准予注册、不予注册或退回初审的决定。只办理自己领取的案卷。"),
)
SIGNING_OFFICER: Final = Role(
    "signing_officer",
    _("签批人"),
    _("签批终审决定，延长终审期限，分派案卷，依法恢复审查。不能签批自己提出的决定。"),
)
REGISTRAR: Final = Role(
    "registrar",
    _("注册登记员"),
    _("发布公告批次，发放证书，办理注销、撤销、吊销，登记限制申请期，导入名册。"),
)
ADMINISTRATOR: Final = Role(
    "administrator",
    _("系统管理员"),
    _("开通和暂停注册机构，管理账号、政策参数和节假日。不审查案卷。"),
)
AUTHORITY_AUDITOR: Final = Role(
    "authority_auditor",
    _("终审机构审计员"),
    _("查看全部流转记录、授权记录和证件号码查看记录。不作任何更改。"),
)

AGENCY_ROLES: Final = (REVIEWER, SUPERVISOR, MANAGER, AUDITOR)
AUTHORITY_ROLES: Final = (FINAL_REVIEWER, SIGNING_OFFICER, REGISTRAR, ADMINISTRATOR, AUTHORITY_AUDITOR)
ROLES: Final = (*AGENCY_ROLES, *AUTHORITY_ROLES)
# Who handles cases, who reads case files at all, who keeps the house: managers read no dossiers.
WORKS_ON_CASES: Final = frozenset(r.code for r in (REVIEWER, SUPERVISOR, FINAL_REVIEWER, SIGNING_OFFICER))
READS_CASES: Final = WORKS_ON_CASES | {AUDITOR.code, REGISTRAR.code, AUTHORITY_AUDITOR.code}
KEEPS_HOUSE: Final = frozenset({MANAGER.code, ADMINISTRATOR.code})
BY_CODE: Final = {role.code: role for role in ROLES}
# Who has cases in hand, at an agency and at the authority.
HOLDS_CASES: Final = frozenset({REVIEWER.code, FINAL_REVIEWER.code})
AUDITS: Final = frozenset({AUDITOR.code, AUTHORITY_AUDITOR.code})
# Three duties stay apart, as graded protection asks (GB/T 22239: system, security and audit administration):
# whoever decides cases, whoever administers accounts, and whoever audits both are three different people.
# Within one duty roles may meet, for every act that needs two signatures asks for two people by itself.
DUTIES: Final = (frozenset(BY_CODE) - KEEPS_HOUSE - AUDITS, KEEPS_HOUSE, AUDITS)


def stay_apart(codes: Iterable[str]) -> bool:
    """Whether one person may hold these roles together: they all belong to one of the three duties."""
    held = frozenset(codes)
    return any(held <= duty for duty in DUTIES)
