"""The dossier as a reader sees it: sections with labels, codes in words, and what a correction changed.

The order of sections and fields is that of the application form (注册申请表), Order 11 arts 11, 13, 14.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from register import codes
from register.models import Kind
from review import checklist, difference

Content = Mapping[str, Any]
Show = Callable[[Any], str]


# --- Values in words -----------------------------------------------------------------------------


def as_text(value: Any) -> str:
    return "" if value is None else str(value)


def as_day(value: Any) -> str:
    """An ISO day in the reader's way; anything else as it stands."""
    try:
        return date_format(date.fromisoformat(value), "DATE_FORMAT") if value else ""
    except ValueError:
        return str(value)


def as_month(value: Any) -> str:
    """A stored month `YYYY-MM` in the reader's way."""
    try:
        return date_format(date.fromisoformat(f"{value}-01"), "YEAR_MONTH_FORMAT") if value else ""
    except ValueError:
        return str(value)


def until_now(value: Any) -> str:
    return as_month(value) if value else gettext("至今")


def yes_no(value: Any) -> str:
    return gettext("是") if value else gettext("否")


def entered_by(value: Any) -> str:
    """Who entered a course: an agency, or the applicant."""
    return gettext("注册机构登记") if value else gettext("本人填写")


def in_list(name: str) -> Show:
    """A code, or several, as the labels of a code list."""

    def show(value: Any) -> str:
        several = value if isinstance(value, list | tuple) else [value] if value else []
        return "、".join(codes.label(name, str(code)) for code in several)

    return show


# --- The table of fields ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Field:
    """One field of the dossier: its name there, its label, how its value reads.

    `fixed` fields come from the roster or the register, so a correction cannot have them edited; those
    `at_first` are asked for in an initial registration only.
    """

    name: str
    label: str | Promise
    show: Show = as_text
    fixed: bool = False
    at_first: bool = False


FIELDS: Final[dict[str, tuple[Field, ...]]] = {
    "personal": (
        Field("name", _("姓名"), fixed=True),
        Field("sex", _("性别"), in_list("sex"), fixed=True),
        Field("birth_date", _("出生日期"), as_day, fixed=True),
        Field("id_type", _("证件类型"), in_list("document_type"), fixed=True),
        Field("id_mask", _("证件号码"), fixed=True),
        Field("education", _("学历"), in_list("education")),
        Field("degree", _("学位"), in_list("degree")),
        Field("school", _("毕业院校"), at_first=True),
        Field("major", _("所学专业"), at_first=True),
        Field("graduation_date", _("毕业时间"), as_month, at_first=True),
        Field("study_mode", _("学习形式"), in_list("study_mode"), at_first=True),
        Field("title", _("专业技术职称级别"), in_list("title")),
        Field("title_name", _("职称名称")),
        Field("post", _("现任职务")),
        Field("mobile", _("手机号码")),
        Field("email", _("电子邮箱")),
        Field("phone", _("联系电话")),
        Field("address", _("通讯地址")),
        Field("postcode", _("邮政编码")),
    ),
    "qualification": (
        Field("level", _("级别"), in_list("level"), fixed=True),
        Field("certificate_number", _("资格证书编号"), fixed=True),
        Field("management_number", _("管理号"), fixed=True),
        Field("exam_year", _("考试年度"), fixed=True),
        Field("issued_on", _("发证日期"), as_day, fixed=True),
        Field("issuer", _("发证机关"), fixed=True),
        Field("category", _("专业类别"), in_list("category"), fixed=True),
    ),
    "registration": (
        Field("change_items", _("变更事项"), in_list("change_item")),
        Field("category", _("注册类别"), in_list("category")),
        Field("number", _("执业证编号"), fixed=True),
        Field("first_registered_on", _("首次注册日期"), as_day, fixed=True),
        Field("valid_from", _("有效期起"), as_day, fixed=True),
        Field("valid_to", _("有效期止"), as_day, fixed=True),
    ),
    "employer": (
        Field("name", _("单位名称")),
        Field("code", _("统一社会信用代码")),
        Field("attribute", _("单位属性代码"), in_list("employer_attribute")),
        Field("ownership", _("单位性质"), in_list("ownership")),
        Field("industry", _("所属行业"), in_list("industry")),
        Field("group", _("主管部门或所属集团")),
        Field("legal_representative", _("法定代表人")),
        Field("province", _("所在省（自治区、直辖市）"), in_list("province")),
        Field("city", _("所在市")),
        Field("district", _("所在区县")),
        Field("address", _("单位地址")),
        Field("postcode", _("邮政编码")),
        Field("headcount", _("从业人数")),
        Field("contact", _("联系人")),
        Field("phone", _("联系电话")),
        Field("email", _("电子邮箱")),
        Field("post", _("聘用岗位")),
        Field("contract_from", _("劳动合同起始日期"), as_day),
        Field("contract_to", _("劳动合同终止日期"), as_day),
        Field("contract_open_ended", _("无固定期限劳动合同"), yes_no),
    ),
}
COLUMNS: Final[dict[str, tuple[Field, ...]]] = {
    "experience": (
        Field("from", _("开始时间"), as_month),
        Field("to", _("结束时间"), until_now),
        Field("employer", _("工作单位")),
        Field("post", _("职务或岗位")),
        Field("work", _("从事何种安全生产业务"), in_list("safety_work")),
        Field("witness", _("证明人")),
        Field("witness_phone", _("证明人电话")),
    ),
    "education": (
        Field("from", _("开始日期"), as_day),
        Field("to", _("结束日期"), as_day),
        Field("provider", _("培训机构")),
        Field("course", _("培训内容或课程")),
        Field("course_class", _("课程类别"), in_list("education_class")),
        Field("hours", _("学时")),
        Field("certificate", _("培训证书编号")),
        Field("imported", _("来源"), entered_by),
    ),
}
# Sections without single fields: a correction names them as a whole.
WHOLE: Final = frozenset({"experience", "education", "performance", "photo", "qualification"})
PAPERS: Final = "papers"


# --- The page --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Line:
    """A label and its value, for `components/summary_list.html`; `was` is the value before."""

    label: str | Promise
    value: str
    was: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of one kind, with the labels of their columns."""

    heads: tuple[str | Promise, ...]
    rows: tuple[tuple[tuple[str | Promise, str], ...], ...]
    total: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table against the version before; `how` is one of `review.difference`."""

    how: str
    cells: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Section:
    """One section of the dossier on the page. `changed`: a correction altered it.

    `compared` are the rows of its table, `text_was` is its text, against the version before.
    """

    key: str
    label: str | Promise
    rows: tuple[Line, ...] = ()
    table: Table | None = None
    text: str = ""
    changed: bool = False
    compared: tuple[Row, ...] = ()
    text_was: str = ""


def sections_of(content: Content, before: Content | None = None) -> list[Section]:
    """The sections of a dossier; against an earlier version, what has changed is marked."""
    shown = {*checklist.items_of(dict(content)), *(checklist.items_of(dict(before)) if before else ())}
    return [_section(item, content, before) for item in checklist.ITEMS if item in shown]


def _section(item: checklist.Item, content: Content, before: Content | None) -> Section:
    key = item.key
    changed = before is not None and not difference.same(key, content, before)
    if key in COLUMNS:
        rows = content.get(key) or []
        compared = _compared(key, rows, (before or {}).get(key) or []) if changed else ()
        return Section(key, item.label, table=_table(key, rows), changed=changed, compared=compared)
    if key == "performance":
        was = str((before or {}).get(key) or "") if changed else ""
        return Section(key, item.label, text=str(content.get(key) or ""), changed=changed, text_was=was)
    if key == PAPERS:
        return Section(key, item.label, rows=_papers(content), changed=changed)
    if key == "photo":
        return Section(key, item.label, changed=changed)
    return Section(key, item.label, rows=_lines(key, content, before), changed=changed)


def _lines(key: str, content: Content, before: Content | None) -> tuple[Line, ...]:
    values: Mapping[str, Any] = content.get(key) or {}
    former: Mapping[str, Any] = (before or {}).get(key) or {}
    lines = []
    for field in fields_of(key, content):
        value = field.show(values.get(field.name))
        old = field.show(former.get(field.name)) if before is not None else ""
        if field.name in values or old:
            was = _former(old or "—") if before is not None and old != value else ""
            lines.append(Line(field.label, value, was=was))
    return tuple(lines + _registered_before(key, content))


def fields_of(section: str, content: Content) -> list[Field]:
    """The fields of a section in an application of this kind."""
    initial = content.get("kind") == Kind.INITIAL
    return [field for field in FIELDS[section] if initial or not field.at_first]


def _former(old: str) -> str:
    return gettext("原：{value}").format(value=old) if old else ""


def _registered_before(key: str, content: Content) -> list[Line]:
    """A change shows the registered values beside the new ones (原/新)."""
    former: Mapping[str, Any] = (content.get("registration") or {}).get("former") or {}
    if key == "registration" and former.get("category"):
        return [Line(_("原注册类别"), codes.label("category", former["category"]))]
    if key == "employer" and former.get("employer_name"):
        return [
            Line(_("原聘用单位"), former["employer_name"]),
            Line(_("原统一社会信用代码"), former.get("employer_code", "")),
        ]
    return []


def _table(key: str, rows: list[Mapping[str, Any]]) -> Table:
    columns = COLUMNS[key]
    shown = tuple(tuple((c.label, c.show(row.get(c.name))) for c in columns) for row in rows)
    return Table(tuple(c.label for c in columns), shown, total=_hours(rows) if key == "education" else "")


def _compared(key: str, rows: list[Mapping[str, Any]], was: list[Mapping[str, Any]]) -> tuple[Row, ...]:
    return tuple(Row(pair.how, _cells(key, pair)) for pair in difference.paired(rows, was))


def _cells(key: str, pair: difference.Pair) -> tuple[Line, ...]:
    shown: Mapping[str, Any] = pair.now or pair.was or {}
    cells = []
    for column in COLUMNS[key]:
        value = column.show(shown.get(column.name))
        old = column.show(pair.was.get(column.name)) if pair.was and pair.now else value
        cells.append(Line(column.label, value, was=_former(old or "—") if old != value else ""))
    return tuple(cells)


def _hours(rows: list[Mapping[str, Any]]) -> str:
    total = sum(float(row.get("hours") or 0) for row in rows)
    return gettext("合计 {hours} 学时").format(hours=f"{total:g}")


def _papers(content: Content) -> tuple[Line, ...]:
    papers = content.get("papers") or []
    return tuple(Line(codes.label("paper", paper["code"]), _file(paper)) for paper in papers)


def _file(paper: Mapping[str, Any]) -> str:
    """The name of an uploaded file and how many pages it has."""
    return gettext("{name}（{pages} 页）").format(name=paper.get("name", ""), pages=paper.get("pages", 1))


# --- What a correction may name ----------------------------------------------------------------------


def correctable(content: Content) -> list[tuple[str, list[tuple[str, str]]]]:
    """The items a correction may name, in groups: a section as a whole, its single fields, each paper."""
    groups = []
    for item in checklist.items_of(dict(content)):
        label = str(item.label)
        if item.key == PAPERS:
            choices = [(f"{PAPERS}.{code}", name) for code, name in codes.choices("paper")]
        elif item.key in WHOLE:
            choices = [(item.key, label)]
        else:
            values = content.get(item.key) or {}
            fields = [f for f in fields_of(item.key, content) if not f.fixed and f.name in values]
            whole = gettext("{section}（整节）").format(section=label)
            choices = [(item.key, whole), *((f"{item.key}.{f.name}", str(f.label)) for f in fields)]
        groups.append((label, choices))
    return groups


def item_label(item: str) -> str:
    """What a correction's item is called: 聘用单位信息 · 单位名称."""
    section, _dot, name = item.partition(".")
    whole = str(checklist.LABELS.get(section, section))
    if not name:
        return whole
    if section == PAPERS:
        return f"{whole} · {codes.label('paper', name)}"
    label = next((str(f.label) for f in FIELDS.get(section, ()) if f.name == name), name)
    return f"{whole} · {label}"
