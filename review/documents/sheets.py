"""What stands on the application form (注册申请表) of each of the four kinds, from a dossier's content.

The sections and their order follow Order 11 arts 11, 13 and 14. The form is an official Chinese document: it
is written in Chinese whatever language its reader has chosen. How it looks on the screen, in the PDF and in
Word is said elsewhere; all three are drawn from the one `Sheet`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final, Required, TypedDict, Unpack

from django.utils.translation import override

from register import clock
from register.models import Kind
from review.documents import wording

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


class Added(TypedDict, total=False):
    """What is added to a dossier's content only while its form is drawn.

    `digest` is the form digest; an incomplete form has none (`""`) and the mark `draft`. `full_number` is the
    document number as it shall be printed; without it the mask stands there.
    """

    mark: Required[Mark | str]
    digest: str
    photo: bytes | None
    full_number: str | None
    lodged_on: dt.date | None
    first: PrintedOpinion | None
    final: PrintedOpinion | None


# --- The sheet ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Cell:
    """A label and its value. A document number has a mask, which stands for it on the screen."""

    label: str
    value: str
    span: int = 1
    mask: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Head:
    """The head of a column; `width` in millimetres, 0 for what the others leave."""

    label: str
    width: int = 0


@dataclass(frozen=True, slots=True)
class Signer:
    label: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """One numbered section of the form; `shape` says how it is drawn: grid, table or text.

    `key` begins the name of each of its rows, by which the prints know what stands on which page.
    """

    title: str
    shape: str
    rows: Sequence[Any] = ()
    heads: Sequence[Head] = ()
    last_line: str = ""
    centred: bool = False
    photo_rows: int = 0
    key: str = ""


@dataclass(frozen=True, slots=True)
class Signed:
    """A promise or an opinion with its signatures; with a seal where an office signs."""

    title: str
    text: str
    signers: Sequence[Signer]
    seal: str = ""
    date: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """The whole form, ready to be drawn."""

    title: str
    reference: str
    level: str
    date_word: str
    date: str
    mark: Mark
    digest: str
    photo: bytes | None
    sections: Sequence[Section]
    signed: Sequence[Signed]

    @property
    def digest_short(self) -> str:
        return short_digest(self.digest)

    @property
    def code(self) -> str:
        """What the QR code says: number and digest, in letters that make it small."""
        return f"{self.reference}:{self.digest}".upper()

    @property
    def over_page(self) -> str:
        """The word written across an unfinished print."""
        return self.mark.word if self.mark is Mark.DRAFT else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """A dossier's content with what is added only while it is drawn."""

    content: Content
    digest: str
    mark: Mark
    photo: bytes | None = None
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


def sheet_of(content: Content, **added: Unpack[Added]) -> Sheet:
    """The form of a dossier, in words."""
    form = Filled(
        content=wording.printable(content),
        digest=added.get("digest", ""),
        mark=Mark(added["mark"]),
        photo=added.get("photo"),
        full_number=added.get("full_number"),
        lodged_on=added.get("lodged_on"),
        first=added.get("first"),
        final=added.get("final"),
    )
    on = form.lodged_on if form.lodged_on and form.mark is Mark.LODGED else clock.today()
    with override("zh-hans"):
        return Sheet(
            title=title_of(form.kind),
            reference=str(form.content["reference"]),
            level=LEVEL + ("（逾期初始注册）" if form.content.get("late") else ""),
            date_word="上报日期" if on is form.lodged_on else "打印日期",
            date=wording.day(on),
            mark=form.mark,
            digest="" if form.mark is Mark.DRAFT else form.digest,
            photo=form.photo,
            sections=tuple(_numbered(form)),
            signed=tuple(_signed(form)),
        )


def title_of(kind: str) -> str:
    """The form's title by kind: 注册安全工程师初始注册申请表."""
    with override("zh-hans"):
        return f"{PROFESSION}{Kind(kind).label}申请表"


def short_digest(digest: str) -> str:
    """The first sixteen digits of a form digest as people compare them: 3F2A-91C0-…"""
    head = digest[:16].upper()
    return "-".join(head[i : i + 4] for i in range(0, len(head), 4))


def _numbered(form: Filled) -> Iterator[Section]:
    for number, (numeral, section) in enumerate(zip(NUMERALS, _sections(form), strict=False), 1):
        yield replace(section, title=f"{numeral}、{section.title}", key=f"sheet-{number}")


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
        yield Section("执业期间履职情况", "text", rows=wording.lines(form.content.get("performance")) or [""])


# --- A to E: what stands on the front -----------------------------------------------------------


def _personal(form: Filled) -> Section:
    p = form.part("personal")
    mask = wording.text(p, "id_mask")
    beside_photo = [
        _pair(Cell("姓名", wording.text(p, "name")), Cell("性别", wording.label("sex", p.get("sex")))),
        _pair(
            Cell("出生日期", wording.iso(p.get("birth_date"))),
            Cell("学历", wording.label("education", p.get("education"))),
        ),
        _pair(
            Cell("证件类型", wording.label("document_type", p.get("id_type"))),
            Cell("学位", wording.label("degree", p.get("degree"))),
        ),
        _whole(Cell("证件号码", form.full_number or mask, mask=mask)),
        _whole(
            Cell("通讯地址", wording.joined(" ", wording.text(p, "address"), wording.text(p, "postcode")))
        ),
    ]
    below = [
        _pair(Cell("手机号码", wording.text(p, "mobile")), Cell("联系电话", wording.text(p, "phone"))),
        _pair(Cell("电子邮箱", wording.text(p, "email")), Cell("职称", _title(p))),
    ]
    if form.kind == Kind.INITIAL:
        below = [
            _pair(Cell("毕业院校", wording.text(p, "school")), Cell("所学专业", wording.text(p, "major"))),
            _pair(
                Cell("毕业时间", wording.month(p.get("graduation_date"))),
                Cell("学习形式", wording.label("study_mode", p.get("study_mode"))),
            ),
            *below,
        ]
    below.append(_whole(Cell("现任职务", wording.text(p, "post"))))
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
                Cell("证书编号", wording.text(q, "certificate_number")),
                Cell("管理号", wording.text(q, "management_number")),
            ),
            _pair(
                Cell("考试年度", wording.text(q, "exam_year")),
                Cell("批准日期", wording.iso(q.get("issued_on"))),
            ),
            _pair(
                Cell("发证机关", wording.text(q, "issuer")),
                Cell("专业类别", wording.label("category", q.get("category"))),
            ),
        ],
    )


def _registration(form: Filled) -> Section:
    r = form.part("registration")
    agency = form.part("agency")
    channel = Cell("注册渠道", wording.label("channel", form.content.get("channel")))
    delivery = wording.label("delivery", form.part("declaration").get("delivery"))
    rows = [
        _pair(channel, Cell("注册机构", wording.text(agency, "name_zh"))),
        _pair(Cell("申请类别", wording.label("category", r.get("category"))), Cell("领取方式", delivery)),
    ]
    if form.kind != Kind.INITIAL:
        period = wording.joined(" 至 ", wording.iso(r.get("valid_from")), wording.iso(r.get("valid_to")))
        rows += [
            _pair(
                Cell("执业证编号", wording.text(r, "number")),
                Cell("首次注册", wording.iso(r.get("first_registered_on"))),
            ),
            _whole(Cell("注册有效期", period)),
        ]
    return Section("注册信息", "grid", rows=rows)


def _comparison(form: Filled) -> Section:
    r, now = form.part("registration"), form.part("employer")
    former: Mapping[str, Any] = r.get("former") or {}
    changes: Sequence[str] = r.get("change_items") or ()
    rows = [
        ["聘用单位", wording.text(former, "employer_name"), wording.text(now, "name")],
        ["统一社会信用代码", wording.text(former, "employer_code"), wording.text(now, "code")],
        [
            "注册类别",
            wording.label("category", former.get("category")),
            wording.label("category", r.get("category")),
        ],
    ]
    return Section(
        "变更事项",
        "table",
        heads=[Head("项目", 34), Head("原注册内容"), Head("现申请变更为")],
        rows=rows,
        centred=True,
        last_line="变更事项：" + ("、".join(wording.label("change_item", code) for code in changes) or "—"),
    )


def _employer(form: Filled) -> Section:
    e = form.part("employer")
    # A municipality is its own city; it is named once.
    places = dict.fromkeys(
        [wording.label("province", e.get("province")), wording.text(e, "city"), wording.text(e, "district")]
    )
    ends = "无固定期限" if e.get("contract_open_ended") else wording.iso(e.get("contract_to"))
    contract = wording.joined(" 至 ", wording.iso(e.get("contract_from")), ends)
    return Section(
        "现聘用单位" if form.kind == Kind.CHANGE else "聘用单位",
        "grid",
        rows=[
            _whole(Cell("单位名称", wording.text(e, "name"))),
            _pair(
                Cell("信用代码", wording.text(e, "code")),
                Cell("单位属性", wording.coded("employer_attribute", e.get("attribute"))),
            ),
            _pair(
                Cell("单位性质", wording.label("ownership", e.get("ownership"))),
                Cell("所属行业", wording.label("industry", e.get("industry"))),
            ),
            _pair(Cell("所在地区", "".join(places)), Cell("邮政编码", wording.text(e, "postcode"))),
            _whole(Cell("单位地址", wording.text(e, "address"))),
            _pair(
                Cell("法定代表人", wording.text(e, "legal_representative")),
                Cell("从业人数", wording.text(e, "headcount")),
            ),
            _pair(Cell("联系人", wording.text(e, "contact")), Cell("联系电话", wording.text(e, "phone"))),
            _pair(Cell("电子邮箱", wording.text(e, "email")), Cell("所属集团", wording.text(e, "group"))),
            _pair(Cell("聘用岗位", wording.text(e, "post")), Cell("合同期限", contract)),
        ],
    )


# --- F to H: the lists --------------------------------------------------------------------------


def _experience(form: Filled) -> Section:
    rows = [
        [
            wording.joined("—", wording.dotted(row.get("from")), wording.dotted(row.get("to")) or "至今"),
            wording.text(row, "employer"),
            wording.text(row, "post"),
            wording.label("safety_work", row.get("work")),
            wording.joined("\n", wording.text(row, "witness"), wording.text(row, "witness_phone")),
        ]
        for row in form.content.get("experience") or ()
    ]
    heads = [
        Head("起止时间", 32),
        Head("工作单位"),
        Head("职务或岗位", 24),
        Head("从事的安全生产业务", 34),
        Head("证明人及电话", 28),
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
            wording.joined("—", wording.dotted(row.get("from")), wording.dotted(row.get("to"))),
            wording.text(row, "provider"),
            wording.text(row, "course"),
            wording.text(row, "hours"),
            wording.text(row, "certificate"),
        ]
        for row in courses
    ]
    total = sum((Decimal(str(row.get("hours") or 0)) for row in courses), Decimal())
    heads = [
        Head("起止时间", 44),
        Head("培训机构"),
        Head("培训内容"),
        Head("学时", 14),
        Head("证书编号", 34),
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
    said = wording.printable(given.text)
    return Signed(title, said, signers, seal=seal, date=wording.day(given.on) if given.on else "")


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
    return wording.joined(
        " ", wording.label("title", personal.get("title")), wording.text(personal, "title_name")
    )
