"""The columns of the rosters (django-import-export): what a cell may hold and how its faults are said.

A resource reads rows and checks each on its own; it writes nothing. What the rows mean for the register,
and the set-based writing, stand in `register.rosters`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, ClassVar, Final

from django.core.exceptions import ValidationError
from django.utils.translation import gettext
from import_export import fields, resources, widgets

from register import clock, documents, employer, names
from register.models import DocumentType, Sex
from register.sheets import LINE, plain_header
from tenants.models import Agency

# So many values of one column are kept at a time.
MOST_KNOWN: Final = 10_000
EARLIEST_CERTIFICATE: Final = date(2002, 9, 1)  # the qualification was introduced in September 2002
SEVEN_SINCE: Final = 2019
_SCIENTIFIC: Final = re.compile(r"\d(\.\d+)?E\+\d+", re.IGNORECASE)
_LOOKS_LIKE_FORMULA: Final = ("=", "+", "-", "@", "\t")
_DATE: Final = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?", re.ASCII)
_CERTIFICATE: Final = re.compile(r"[0-9A-Z]{5,24}", re.ASCII)
_OLD_NUMBER: Final = re.compile(r"\d{11}", re.ASCII)


# --- Cells ---------------------------------------------------------------------------------------
class Cell(widgets.Widget):
    """One column: text without surrounding space. Formulas are refused, never stored and never shown."""

    # Whether the same few values stand in many rows of a column, so that what they mean is worth keeping.
    repeats: ClassVar[bool] = False
    # A text of this shape means just what stands there: by far most cells, which need no closer look.
    plain: ClassVar[re.Pattern[str] | None] = None

    def __init__(self, *, required: bool = False, limit: int = 200) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.required = required
        self.limit = limit
        self.known: dict[str, Any] = {}

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> Any:
        """The value of a cell. Raises ValueError with a sentence for the officer."""
        if self.plain and isinstance(value, str) and self.plain.fullmatch(value) and len(value) <= self.limit:
            return value
        if not self.repeats or not isinstance(value, str):
            return self._understood(value)
        if len(self.known) >= MOST_KNOWN:
            self.known.clear()
        understood = self.known[value] = self._understood(value)
        return understood

    def _understood(self, value: Any) -> Any:
        text = self.text_of(value)
        if not text:
            if self.required:
                raise ValueError(gettext("必填。"))
            return self.empty()
        if text.startswith(_LOOKS_LIKE_FORMULA):
            raise ValueError(gettext("不能以 = + - @ 开头，也不能是公式。"))
        if len(text) > self.limit:
            raise ValueError(gettext("不能超过 %(limit)d 个字符。") % {"limit": self.limit})
        return self.parse(text)

    def text_of(self, value: Any) -> str:
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        return unwrapped(str(value))

    def empty(self) -> Any:
        return ""

    def parse(self, text: str) -> Any:
        return text


class House(Cell):
    """An authority or a company, of which the same few stand in many rows."""

    repeats = True


class Name(Cell):
    plain = names.PLAIN

    def parse(self, text: str) -> str:
        return names.check(text)


class LongNumber(Cell):
    """A number that is text: a spreadsheet that took it for a quantity has lost digits of it."""

    def text_of(self, value: Any) -> str:
        number = isinstance(value, int | float)
        if number and (abs(value) >= 10**15 or value != int(value)):
            raise ValueError(LOST_DIGITS())
        text = super().text_of(value)
        if not text.isdigit() and _SCIENTIFIC.fullmatch(text):
            raise ValueError(LOST_DIGITS())
        return text


class DocumentNumber(LongNumber):
    plain = re.compile(r"[0-9A-Z]+", re.ASCII)


class CertificateNumber(LongNumber):
    plain = _CERTIFICATE

    def parse(self, text: str) -> str:
        number = "".join(unicodedata.normalize("NFKC", text).split()).upper()
        if not _CERTIFICATE.fullmatch(number):
            raise ValueError(gettext("应为 5 至 24 位数字或字母。"))
        return number


class RegistrationNumber(LongNumber):
    plain = _OLD_NUMBER

    def parse(self, text: str) -> str:
        number = unicodedata.normalize("NFKC", text)
        if not _OLD_NUMBER.fullmatch(number):
            raise ValueError(gettext("执业证编号应为 11 位数字。"))
        return number


class CreditCode(LongNumber):
    def parse(self, text: str) -> str:
        return employer.check_uscc(text)


class Day(Cell):
    repeats = True

    def empty(self) -> None:
        return None

    def parse(self, text: str) -> date:
        plain = "".join(unicodedata.normalize("NFKC", text).split()).split("T")[0]
        if re.fullmatch(r"\d{8}", plain, re.ASCII):
            plain = f"{plain[:4]}-{plain[4:6]}-{plain[6:]}"
        found = _DATE.fullmatch(plain.removesuffix("00:00:00"))
        if found is None:
            raise ValueError(gettext("日期应写作 2026-11-23。"))
        try:
            return date(*map(int, found.groups()))
        except ValueError:
            raise ValueError(gettext("没有这一天。")) from None


class Year(Cell):
    repeats = True

    def parse(self, text: str) -> int:
        plain = unicodedata.normalize("NFKC", text).removesuffix("年")
        this_year = clock.today().year
        if not re.fullmatch(r"\d{4}", plain, re.ASCII) or not 2002 <= int(plain) <= this_year:
            raise ValueError(gettext("年度应在 2002 至 %(year)d 之间。") % {"year": this_year})
        return int(plain)


class Coded(Cell):
    """A code, or the word for it as officers write it."""

    repeats = True

    def __init__(self, words: Mapping[str, str], *, required: bool = False, default: str = "") -> None:
        super().__init__(required=required)
        self.words = {plain_header(word): code for word, code in words.items()}
        self.default = default

    def empty(self) -> str:
        return self.default

    def parse(self, text: str) -> str:
        code = self.words.get(plain_header(text))
        if code is None:
            raise ValueError(gettext("没有“%(text)s”这一选项。") % {"text": text[:20]})
        return code


class Category(Cell):
    """A category by code or label; labels that old and new lists share are settled by the row."""

    repeats = True

    def parse(self, text: str) -> str:
        plain = plain_header(text)
        if plain.upper() in CATEGORY_CODES:
            return plain.upper()
        if plain not in CATEGORY_LABELS:
            raise ValueError(gettext("没有“%(text)s”这一选项。") % {"text": text[:20]})
        return plain


def unwrapped(text: str) -> str:
    """What spreadsheets put around text to keep it text is taken off: `="…"`, a leading apostrophe."""
    text = text.strip().removeprefix("'").strip()
    if not text.startswith('="'):
        return text
    wrapped = re.fullmatch(r'="([^"]*)"', text)
    return wrapped.group(1).strip() if wrapped else text


def LOST_DIGITS() -> str:  # noqa: N802 - a sentence, translated when it is said
    return gettext("单元格是数字格式，号码已经丢失位数。请把该列设为文本格式后重新填写。")


DOCUMENT_WORDS: Final = {
    **{kind.value: kind.value for kind in DocumentType},
    **{kind.value.lstrip("0"): kind.value for kind in DocumentType},
    "居民身份证": "01", "身份证": "01", "二代身份证": "01", "Resident identity card": "01",
    "军官证": "02", "Officer certificate": "02",
    "护照": "03", "Passport": "03",
    "港澳居民来往内地通行证": "04", "回乡证": "04",
    "台湾居民来往大陆通行证": "05", "台胞证": "05",
    "港澳居民居住证": "06", "台湾居民居住证": "07",
    "外国人永久居留身份证": "08", "外国人永久居留证": "08",
    "其他": "99", "Other": "99",
}  # fmt: skip
SEX_WORDS: Final = {
    "1": "1",
    "男": "1",
    "Male": "1",
    "2": "2",
    "女": "2",
    "Female": "2",
    "0": "0",
    "未知": "0",
}
STATUS_WORDS: Final = {
    "有效": "", "正常": "", "valid": "", "已过期": "", "过期": "", "期满失效": "", "expired": "",
    "已注销": "cancelled", "注销": "cancelled", "cancelled": "cancelled",
    "已撤销": "revoked", "撤销": "revoked", "revoked": "revoked",
    "已吊销": "withdrawn", "吊销": "withdrawn", "withdrawn": "withdrawn",
}  # fmt: skip
# Headers as people write them, for every roster.
SHARED_ALIASES: Final = {
    "证件号": "证件号码", "身份证号": "证件号码", "身份证号码": "证件号码", "document number": "证件号码",
    "证件种类": "证件类型",
}  # fmt: skip
# Labels of the old five and the new seven categories (Order 11 art. 9; document 118 of 2017 art. 3).
CATEGORY_LABELS: Final[Mapping[str, tuple[str, str]]] = {
    "煤矿安全": ("A1", "B1"), "建筑施工安全": ("A3", "B5"), "其他安全": ("A5", "B7"),
    "非煤矿矿山安全": ("A2", "A2"), "危险物品安全": ("A4", "A4"),
    "金属非金属矿山安全": ("B2", "B2"), "化工安全": ("B3", "B3"),
    "金属冶炼安全": ("B4", "B4"), "道路运输安全": ("B6", "B6"),
}  # fmt: skip
CATEGORY_CODES: Final = frozenset(code for pair in CATEGORY_LABELS.values() for code in pair)


def category_of(text: str, year: int) -> str:
    """The code a row means: a label both lists share counts by its year, the new list since 2019."""
    return CATEGORY_LABELS[text][year >= SEVEN_SINCE] if text in CATEGORY_LABELS else text


# --- Rows ----------------------------------------------------------------------------------------
@dataclass(slots=True)
class PersonRow:
    """What every roster says of a person, and the line it stands on."""

    line: int = 0
    name: str = ""
    document_type: str = DocumentType.RESIDENT_ID.value
    number: str = ""
    sex: str = Sex.UNKNOWN.value
    birth_date: date | None = None
    digest: str = ""

    def __str__(self) -> str:
        return f"line {self.line}"


@dataclass(slots=True)
class QualificationRow(PersonRow):
    certificate_number: str = ""
    management_number: str = ""
    exam_year: int = 0
    issued_on: date = field(default=date.max)
    issuer: str = ""
    category: str = ""

    def __str__(self) -> str:
        return f"line {self.line}"


@dataclass(slots=True)
class RegistrationRow(PersonRow):
    registration_number: str = ""
    category: str = ""
    agency: Agency | None = None
    employer_name: str = ""
    employer_code: str = ""
    first_registered_on: date = field(default=date.max)
    valid_from: date = field(default=date.max)
    valid_to: date = field(default=date.max)
    ended_how: str = ""
    ended_on: date | None = None
    end_reason: str = ""

    def __str__(self) -> str:
        return f"line {self.line}"


Fault = tuple[str, str]
# Attribute and column of a field, what is known of its values already, and how another one is read.
CellOf = tuple[str, str, Mapping[str, Any], Callable[[Any], Any]]


class RosterResource(resources.Resource):
    """Reads rows into plain objects, with every fault of a row told at once and named by its column."""

    row_class: ClassVar[type[PersonRow]]
    aliases: ClassVar[Mapping[str, str]] = {}

    line = fields.Field("line", LINE, widgets.IntegerWidget())
    name = fields.Field("name", "姓名", Name(required=True))
    document_type = fields.Field("document_type", "证件类型", Coded(DOCUMENT_WORDS, default="01"))
    number = fields.Field("number", "证件号码", DocumentNumber(required=True, limit=60))
    sex = fields.Field("sex", "性别", Coded(SEX_WORDS, default="0"))
    birth_date = fields.Field("birth_date", "出生日期", Day())

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)  # type: ignore[no-untyped-call]
        self.today = clock.today()
        self._cells: list[CellOf] = []

    def columns(self) -> dict[str, str]:
        """Our column names by the headers people write: the Chinese name, the field's name, other words."""
        own = {plain_header(each.column_name): each.column_name for each in self.fields.values()}
        english = {plain_header(name): each.column_name for name, each in self.fields.items()}
        more = {plain_header(word): column for word, column in {**SHARED_ALIASES, **self.aliases}.items()}
        del own[plain_header(LINE)], english["line"]
        return {**english, **more, **own}

    def required(self) -> list[str]:
        return [each.column_name for each in self.fields.values() if getattr(each.widget, "required", False)]

    def column_of(self, attribute: str) -> str:
        """The header under which a fault of an attribute is told."""
        found = (each.column_name for each in self.fields.values() if each.attribute == attribute)
        return str(next(found, ""))

    def init_instance(self, row: Any = None) -> PersonRow:
        return self.row_class()

    def row_of(self, line: int, cells: Mapping[str, Any]) -> PersonRow:
        """One row of a file, by the names of our columns. Raises ValidationError with all its faults."""
        row = self.init_instance()
        self.import_instance(row, {LINE: line, **cells})
        return row

    def import_instance(self, instance: PersonRow, row: Mapping[str, Any], **kwargs: Any) -> None:
        faults: dict[str, list[str]] = {}
        instance.line = row[LINE]
        for attribute, column, known, understood in self._cells or self._found_cells():
            if column not in row:
                continue
            cell = row[column]
            try:
                setattr(instance, attribute, known[cell] if cell in known else understood(cell))
            except ValueError as error:
                faults[attribute] = [str(error)]
            except ValidationError as error:
                faults[attribute] = list(error.messages)
        for check in (self.check_person, self.check_row):
            for attribute, sentence in check(instance, faults):
                faults.setdefault(attribute, [sentence])
        if faults:
            raise ValidationError(
                {name: [ValidationError(text) for text in told] for name, told in faults.items()}
            )

    def _found_cells(self) -> list[CellOf]:
        """How the cells of a row are read, asked for once and not for every row."""
        used = self.get_import_fields()  # type: ignore[no-untyped-call]
        self._cells = [
            (each.attribute, each.column_name, each.widget.known, each.widget.clean)
            for each in used
            if each.column_name != LINE
        ]
        return self._cells

    def check_person(self, row: PersonRow, faults: Mapping[str, Any]) -> Iterator[Fault]:
        """Document number by its type; what number and columns say of sex and birth must agree."""
        if "number" in faults or "document_type" in faults:
            return
        try:
            row.number, row.digest, told = documents.read(row.document_type, row.number)
        except ValidationError as error:
            yield "number", error.messages[0]
            return
        if told.birth_date and row.birth_date and told.birth_date != row.birth_date:
            yield "birth_date", gettext("与证件号码不一致。")
        if Sex.UNKNOWN not in (told.sex, row.sex) and told.sex != row.sex:
            yield "sex", gettext("与证件号码不一致。")
        # What the number tells is what holds.
        row.birth_date = told.birth_date or row.birth_date
        row.sex = row.sex if told.sex == Sex.UNKNOWN else told.sex.value

    def check_row(self, row: Any, faults: Mapping[str, Any]) -> Iterator[Fault]:
        """What the cells of a row must be to each other."""
        raise NotImplementedError


class QualificationResource(RosterResource):
    """The exam roster (资格证书名册)."""

    row_class = QualificationRow
    aliases: ClassVar[Mapping[str, str]] = {
        "资格证书号": "资格证书编号", "证书编号": "资格证书编号", "certificate": "资格证书编号",
        "考试年份": "考试年度", "批准日期": "发证日期", "签发日期": "发证日期", "专业": "专业类别",
    }  # fmt: skip

    certificate_number = fields.Field("certificate_number", "资格证书编号", CertificateNumber(required=True))
    management_number = fields.Field("management_number", "管理号", CertificateNumber())
    exam_year = fields.Field("exam_year", "考试年度", Year(required=True))
    issued_on = fields.Field("issued_on", "发证日期", Day(required=True))
    issuer = fields.Field("issuer", "发证机关", House(limit=100))
    category = fields.Field("category", "专业类别", Category())

    def check_row(self, row: QualificationRow, faults: Mapping[str, Any]) -> Iterator[Fault]:
        if "issued_on" not in faults:
            if not EARLIEST_CERTIFICATE <= row.issued_on <= self.today:
                yield "issued_on", gettext("应在 2002 年 9 月至今天之间。")
            elif "exam_year" not in faults and row.issued_on.year < row.exam_year:
                yield "issued_on", gettext("早于考试年度。")
        if "category" not in faults and "exam_year" not in faults:
            row.category = category_of(row.category, row.exam_year)


class RegistrationResource(RosterResource):
    """Registrations granted before this portal (历史注册)."""

    row_class = RegistrationRow
    aliases: ClassVar[Mapping[str, str]] = {
        "执业证号": "执业证编号", "注册证编号": "执业证编号", "注册编号": "执业证编号",
        "统一社会信用代码": "信用代码", "机构代码": "注册机构代码", "注册机构": "注册机构代码",
        "单位名称": "聘用单位", "有效期自": "有效期起", "有效期至": "有效期止", "注册状态": "状态",
        "终止原因": "终止原因", "注销日期": "终止日期",
    }  # fmt: skip

    registration_number = fields.Field("registration_number", "执业证编号", RegistrationNumber(required=True))
    category = fields.Field("category", "注册类别", Category(required=True))
    agency = fields.Field("agency", "注册机构代码", House())
    employer_name = fields.Field("employer_name", "聘用单位", House(required=True))
    employer_code = fields.Field("employer_code", "信用代码", CreditCode())
    first_registered_on = fields.Field("first_registered_on", "首次注册日期", Day())
    valid_from = fields.Field("valid_from", "有效期起", Day(required=True))
    valid_to = fields.Field("valid_to", "有效期止", Day(required=True))
    ended_how = fields.Field("ended_how", "状态", Coded(STATUS_WORDS))
    ended_on = fields.Field("ended_on", "终止日期", Day())
    end_reason = fields.Field("end_reason", "终止原因", Cell(limit=500))

    def __init__(self, agencies: Mapping[str, Agency], **kwargs: Any) -> None:
        """`agencies` by every word a file may use for one: code, three-digit number, Chinese name."""
        super().__init__(**kwargs)
        self.agencies = agencies

    def check_row(self, row: Any, faults: Mapping[str, Any]) -> Iterator[Fault]:
        if row.agency == "":
            row.agency = None
        elif isinstance(row.agency, str):
            row.agency = self.agencies.get(plain_header(row.agency))
            if row.agency is None:
                yield "agency", gettext("没有这个注册机构。")
        if "category" not in faults and "valid_from" not in faults:
            row.category = category_of(row.category, row.valid_from.year)
        yield from self._check_days(row, faults)

    def _check_days(self, row: RegistrationRow, faults: Mapping[str, Any]) -> Iterator[Fault]:
        if not {"valid_from", "valid_to", "first_registered_on"}.isdisjoint(faults):
            return
        if row.first_registered_on in (None, date.max):
            row.first_registered_on = row.valid_from
        if row.valid_to < row.valid_from:
            yield "valid_to", gettext("早于有效期起。")
        if row.first_registered_on > row.valid_from:
            yield "first_registered_on", gettext("晚于有效期起。")
        if row.valid_from > self.today:
            yield "valid_from", gettext("晚于今天。")
        if "ended_on" in faults or "ended_how" in faults:
            return
        if row.ended_how and row.ended_on is None:
            yield "ended_on", gettext("状态为注销、撤销或吊销时必填。")
        elif row.ended_on and not row.ended_how:
            yield "ended_on", gettext("状态为有效或已过期时不填。")
        elif row.ended_on and not row.valid_from <= row.ended_on <= self.today:
            yield "ended_on", gettext("应在有效期起至今天之间。")
