"""What officers usually write to a reason for correction: a proposal to start from, by reason code.

The applicant reads it in the notice, so it says what to do. Chinese only, as the notice itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

BY_REASON: Final[Mapping[str, tuple[str, ...]]] = {
    "R01": (
        "请在申请表上签字并由聘用单位盖章后重新提交。",
        "申请表缺少聘用单位意见，请由单位填写意见并盖章后重新提交。",
    ),
    "R02": ("请改用聘用单位法人公章或者人事部门章，重新盖章后提交。",),
    "R03": (
        "材料不清晰，请重新拍摄或者扫描后提交。",
        "材料缺页，请补齐全部页面后提交。",
    ),
    "R04": (
        "请补交劳动合同中载明岗位、期限、签订日期和双方签章的页面。",
        "劳动合同已到期，请提交现行有效的劳动合同。",
    ),
    "R05": ("劳动合同载明的岗位不是安全生产工作岗位，请补充聘用单位出具的岗位说明。",),
    "R06": (
        "请更换近期正面免冠白底证件照片。",
        "照片不清晰，请重新上传。",
    ),
    "R07": ("证件号码或者姓名与资格证书不一致，请核对更正，或者补交公安机关出具的变更证明。",),
    "R08": ("单位名称与统一社会信用代码不一致，请按营业执照更正。",),
    "R09": (
        "请补充缺少的工作经历，起止时间须前后衔接。",
        "工作经历的起止时间有误，请更正。",
    ),
    "R10": (
        "继续教育学时不足，请补足并提交证明。",
        "继续教育证明无效，请提交培训机构出具的有效证明。",
    ),
    "R11": ("您的申请应向其他注册机构提出，请撤回后重新选择注册机构。",),
    "R12": ("注册类别与资格证书的专业类别不符，请更正，或者补交增报专业合格证明。",),
}


def first_for(code: str) -> str:
    """The phrase proposed first for a reason; empty for a reason without one."""
    return next(iter(BY_REASON.get(code, ())), "")
