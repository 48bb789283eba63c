"""The application form (注册申请表) of all four kinds, from the content of one dossier.

One body serves the preview on the screen, the applicant's print and the officer's; the sections and
their order follow Order 11 arts 11, 13 and 14. The form is an official Chinese document: it is written
in Chinese whatever language its reader has chosen.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final

from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from django.utils.translation import override

from register import clock
from register.models import Kind
from register.printing import picture_uri, qr_svg, render_pdf
from review.documents import words

Content = Mapping[str, Any]

NUMERALS: Final = "一二三四五六七八九十"
PROFESSION: Final = "注册安全工程师"
LEVEL: Final = "中级"

PROMISE: Final = (
    "本人承诺：以上所填信息和提交的材料真实、准确、完整，本人没有同时在两个以上单位申请注册；"
    "如有不实，愿意承担由此产生的法律责任。"
)
EMPLOYER_SAYS: Final = "经核对，申请人系我单位聘用人员，本表所填内容与所附材料属实，同意其申请%s。"


class Mark(StrEnum):
    """What a print is good for: not complete, complete and to be signed, or lodged."""

    DRAFT = "draft"
    READY = "ready"
    LODGED = "lodged"

    @property
    def word(self) -> str:
        return {Mark.DRAFT: "草稿", Mark.READY: "待上报", Mark.LODGED: "已上报"}[self]


@dataclass(frozen=True, slots=True)
class PrintedOpinion:
    """An opinion of the first review or a final decision, as it stands on the officer's print."""

    text: str
    handler: str
    chief: str = ""
    on: dt.date | None = None


@dataclass(frozen=True, slots=True)
class Cell:
    label: str
    value: str
    span: int = 1
    number: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Head:
    label: str
    width: str = ""


@dataclass(frozen=True, slots=True)
class Signer:
    label: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """One numbered section of the form; `shape` names the template that draws it."""

    title: str
    shape: str
    rows: Sequence[Any] = ()
    heads: Sequence[Head] = ()
    last_line: str = ""
    centred: bool = False
    photo_rows: int = 0
    text: str = ""


@dataclass(frozen=True, slots=True)
class Signed:
    """A promise or an opinion with its signatures; with a seal where an office signs."""

    title: str
    text: str
    signers: Sequence[Signer]
    seal: str = ""
    date: str = ""


@dataclass(frozen=True, slots=True)
class Filled:
    """A dossier's content with what is added only while it is rendered."""

    content: Content
    photo: bytes | None
    digest: str
    mark: Mark
    full_number: str | None = None
    lodged_on: dt.date | None = None
    first: PrintedOpinion | None = None
    final: PrintedOpinion | None = None

    def part(self, name: str) -> Mapping[str, Any]:
        part: Mapping[str, Any] = self.content.get(name) or {}
        return part

    @property
    def kind(self) -> Kind:
        return Kind(self.content["kind"])


def title_of(kind: str) -> str:
    """The form's title by kind: 注册安全工程师初始注册申请表."""
    with override("zh-hans"):
        return f"{PROFESSION}{Kind(kind).label}申请表"


def short_digest(digest: str) -> str:
    """The first sixteen digits of a form digest as people compare them: 3F2A-91C0-…"""
    head = digest[:16].upper()
    return "-".join(head[i : i + 4] for i in range(0, len(head), 4))


def dossier_html(
    content: Content,
    *,
    digest: str,
    mark: Mark | str,
    photo: bytes | None = None,
    full_number: str | None = None,
    lodged_on: dt.date | None = None,
    first: PrintedOpinion | None = None,
    final: PrintedOpinion | None = None,
) -> SafeString:
    """The form as a sheet for a page (stylesheet `portal/print.css`), the same body as the print.

    `full_number` is the document number as it shall be printed; without it the mask stands there.
    """
    form = Filled(content, photo, digest, Mark(mark), full_number, lodged_on, first, final)
    return render_to_string("print/form_sheet.html", _context(form))


def form_pdf(
    content: Content,
    *,
    photo: bytes | None,
    digest: str,
    mark: Mark | str,
    full_number: str | None = None,
    lodged_on: dt.date | None = None,
    first: PrintedOpinion | None = None,
    final: PrintedOpinion | None = None,
) -> bytes:
    """The form on A4 for double-sided printing: always an even number of pages, normally two.

    An incomplete form has no digest (`""`) and the mark `draft`.
    """
    form = Filled(content, photo, digest, Mark(mark), full_number, lodged_on, first, final)
    blank_side = render_to_string("print/blank_side.html")
    return render_pdf(render_to_string("print/form.html", _context(form)), even=blank_side)


def _context(form: Filled) -> dict[str, Any]:
    reference = str(form.content["reference"])
    digest = "" if form.mark is Mark.DRAFT else form.digest
    on = form.lodged_on if form.lodged_on and form.mark is Mark.LODGED else clock.today()
    with override("zh-hans"):
        sections = list(_numbered(_sections(form)))
        signed = list(_signed(form))
    return {
        "title": title_of(form.kind),
        "reference": reference,
        "level": LEVEL + ("（逾期初始注册）" if form.content.get("late") else ""),
        "date_word": "上报日期" if on is form.lodged_on else "打印日期",
        "date": words.day(on),
        "sections": sections,
        "signed": signed,
        "photo": picture_uri(form.photo) if form.photo else "",
        "digest": digest,
        "digest_short": short_digest(digest),
        "qr": qr_svg(f"{reference}:{digest}".upper()),
        "mark_word": form.mark.word,
        "over_page": "草稿" if form.mark is Mark.DRAFT else "",
    }


def _numbered(sections: Iterable[Section]) -> Iterator[Section]:
    for numeral, section in zip(NUMERALS, sections, strict=False):
        yield replace(section, title=f"{numeral}、{section.title}")


def _sections(form: Filled) -> Iterator[Section]:
    yield _personal(form)
    if form.kind in (Kind.INITIAL, Kind.REREGISTRATION):
        yield _qualification(form)
    yield _registration(form)
    if form.kind == Kind.CHANGE:
        yield _comparison(form)
    yield _employer(form)
    if form.content.get("education") or form.kind == Kind.RENEWAL:
        yield _education(form)
    yield _experience(form)
    if form.kind == Kind.RENEWAL:
        yield Section("执业期间履职情况", "text", text=str(form.content.get("performance") or ""))


# --- A to E: what stands on the front -----------------------------------------------------------


def _personal(form: Filled) -> Section:
    p = form.part("personal")
    number = form.full_number or str(p.get("id_mask", ""))
    beside_photo = [
        _pair(Cell("姓名", words.text(p, "name")), Cell("性别", words.label("sex", p.get("sex")))),
        _pair(
            Cell("出生日期", words.iso(p.get("birth_date"))),
            Cell("学历", words.label("education", p.get("education"))),
        ),
        _pair(
            Cell("证件类型", words.label("document_type", p.get("id_type"))),
            Cell("学位", words.label("degree", p.get("degree"))),
        ),
        _whole(Cell("证件号码", number, number=True)),
        _whole(Cell("通讯地址", words.joined(" ", words.text(p, "address"), words.text(p, "postcode")))),
    ]
    below = [
        _pair(Cell("手机号码", words.text(p, "mobile")), Cell("联系电话", words.text(p, "phone"))),
        _pair(Cell("电子邮箱", words.text(p, "email")), Cell("职称", _title(p))),
    ]
    if form.kind == Kind.INITIAL:
        below = [
            _pair(Cell("毕业院校", words.text(p, "school")), Cell("所学专业", words.text(p, "major"))),
            _pair(
                Cell("毕业时间", words.month(p.get("graduation_date"))),
                Cell("学习形式", words.label("study_mode", p.get("study_mode"))),
            ),
            *below,
        ]
    below.append(_whole(Cell("现任职务", words.text(p, "post"))))
    rows = [*beside_photo, *(_widened(row) for row in below)]
    return Section("个人信息", "grid", rows=rows, photo_rows=len(beside_photo))


def _qualification(form: Filled) -> Section:
    q = form.part("qualification")
    return Section(
        "资格证书",
        "grid",
        rows=[
            _pair(Cell("证书名称", f"{PROFESSION}资格证书"), Cell("级别", LEVEL)),
            _pair(
                Cell("证书编号", words.text(q, "certificate_number")),
                Cell("管理号", words.text(q, "management_number")),
            ),
            _pair(
                Cell("考试年度", words.text(q, "exam_year")), Cell("批准日期", words.iso(q.get("issued_on")))
            ),
            _pair(
                Cell("发证机关", words.text(q, "issuer")),
                Cell("专业类别", words.label("category", q.get("category"))),
            ),
        ],
    )


def _registration(form: Filled) -> Section:
    r = form.part("registration")
    agency = form.part("agency")
    channel = Cell("注册渠道", words.label("channel", form.content.get("channel")))
    delivery = words.label("delivery", form.part("declaration").get("delivery"))
    rows = [
        _pair(channel, Cell("注册机构", words.text(agency, "name_zh"))),
        _pair(Cell("申请类别", words.label("category", r.get("category"))), Cell("领取方式", delivery)),
    ]
    if form.kind != Kind.INITIAL:
        period = words.joined(" 至 ", words.iso(r.get("valid_from")), words.iso(r.get("valid_to")))
        rows += [
            _pair(
                Cell("执业证编号", words.text(r, "number")),
                Cell("首次注册", words.iso(r.get("first_registered_on"))),
            ),
            _whole(Cell("注册有效期", period)),
        ]
    return Section("注册信息", "grid", rows=rows)


def _comparison(form: Filled) -> Section:
    r, now = form.part("registration"), form.part("employer")
    former: Mapping[str, Any] = r.get("former") or {}
    changes: Sequence[str] = r.get("change_items") or ()
    rows = [
        ["聘用单位", words.text(former, "employer_name"), words.text(now, "name")],
        ["统一社会信用代码", words.text(former, "employer_code"), words.text(now, "code")],
        [
            "注册类别",
            words.label("category", former.get("category")),
            words.label("category", r.get("category")),
        ],
    ]
    return Section(
        "变更事项",
        "table",
        heads=[Head("项目", "w-work"), Head("原注册内容"), Head("现申请变更为")],
        rows=rows,
        centred=True,
        last_line="变更事项：" + ("、".join(words.label("change_item", code) for code in changes) or "—"),
    )


def _employer(form: Filled) -> Section:
    e = form.part("employer")
    # A municipality is its own city; it is named once.
    places = dict.fromkeys(
        [words.label("province", e.get("province")), words.text(e, "city"), words.text(e, "district")]
    )
    ends = "无固定期限" if e.get("contract_open_ended") else words.iso(e.get("contract_to"))
    contract = words.joined(" 至 ", words.iso(e.get("contract_from")), ends)
    return Section(
        "现聘用单位" if form.kind == Kind.CHANGE else "聘用单位",
        "grid",
        rows=[
            _whole(Cell("单位名称", words.text(e, "name"))),
            _pair(
                Cell("信用代码", words.text(e, "code")),
                Cell("单位属性", words.coded("employer_attribute", e.get("attribute"))),
            ),
            _pair(
                Cell("单位性质", words.label("ownership", e.get("ownership"))),
                Cell("所属行业", words.label("industry", e.get("industry"))),
            ),
            _pair(Cell("所在地区", "".join(places)), Cell("邮政编码", words.text(e, "postcode"))),
            _whole(Cell("单位地址", words.text(e, "address"))),
            _pair(
                Cell("法定代表人", words.text(e, "legal_representative")),
                Cell("从业人数", words.text(e, "headcount")),
            ),
            _pair(Cell("联系人", words.text(e, "contact")), Cell("联系电话", words.text(e, "phone"))),
            _pair(Cell("电子邮箱", words.text(e, "email")), Cell("所属集团", words.text(e, "group"))),
            _pair(Cell("聘用岗位", words.text(e, "post")), Cell("合同期限", contract)),
        ],
    )


# --- F to H: the lists --------------------------------------------------------------------------


def _experience(form: Filled) -> Section:
    rows = [
        [
            words.joined("—", words.dotted(row.get("from")), words.dotted(row.get("to")) or "至今"),
            words.text(row, "employer"),
            words.text(row, "post"),
            words.label("safety_work", row.get("work")),
            words.joined(" ", words.text(row, "witness"), words.text(row, "witness_phone")),
        ]
        for row in form.content.get("experience") or ()
    ]
    heads = [
        Head("起止时间", "w-span"),
        Head("工作单位"),
        Head("职务或岗位", "w-post"),
        Head("从事的安全生产业务", "w-work"),
        Head("证明人及电话", "w-witness"),
    ]
    return Section(
        "从事安全生产相关业务工作经历",
        "table",
        heads=heads,
        rows=rows,
        centred=True,
        last_line="（以下空白）",
    )


def _education(form: Filled) -> Section:
    courses: Sequence[Mapping[str, Any]] = form.content.get("education") or ()
    rows = [
        [
            words.joined("—", words.dotted(row.get("from")), words.dotted(row.get("to"))),
            words.text(row, "provider"),
            words.text(row, "course"),
            words.text(row, "hours"),
            words.text(row, "certificate"),
        ]
        for row in courses
    ]
    total = sum((Decimal(str(row.get("hours") or 0)) for row in courses), Decimal())
    heads = [
        Head("起止时间", "w-day"),
        Head("培训机构"),
        Head("培训内容"),
        Head("学时", "w-hours"),
        Head("证书编号", "w-certificate"),
    ]
    return Section(
        "继续教育",
        "table",
        heads=heads,
        rows=rows,
        centred=True,
        last_line=f"学时合计：{total.normalize():f}",
    )


# --- J to L: opinions and seals -----------------------------------------------------------------


def _signed(form: Filled) -> Iterator[Signed]:
    yield Signed("本人承诺", PROMISE, [Signer("申请人（签名）")])
    employer_says = EMPLOYER_SAYS % form.kind.label
    yield Signed("聘用单位意见", employer_says, [Signer("负责人（签名）")], seal="聘用单位公章")
    yield _official("初审机构意见", form.first, seal="初审机构盖章处")
    yield _official("终审机构意见", form.final, seal="终审机构盖章处")


def _official(title: str, opinion: PrintedOpinion | None, *, seal: str) -> Signed:
    given = opinion or PrintedOpinion(text="", handler="")
    signers = [Signer("经办人", given.handler), Signer("负责人", given.chief)]
    return Signed(title, given.text, signers, seal=seal, date=words.day(given.on) if given.on else "")


# --- Small words --------------------------------------------------------------------------------


def _pair(left: Cell, right: Cell) -> Row:
    return Row((left, right))


def _whole(cell: Cell) -> Row:
    return Row((replace(cell, span=3),))


def _widened(row: Row) -> Row:
    """A row below the photo: its last value also takes the photo's column."""
    *before, last = row.cells
    return Row((*before, replace(last, span=last.span + 1)))


def _title(personal: Mapping[str, Any]) -> str:
    return words.joined(" ", words.label("title", personal.get("title")), words.text(personal, "title_name"))
