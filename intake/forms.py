"""One form per section of the application form (注册申请表), fitted to the kind of application.

The same form takes what is typed and checks what is stored: nothing is lodged that it would refuse.
Dates and ages follow the checks of the registration guide; Order 11 names what each kind asks for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, ClassVar, Final

from django import forms
from django.core.exceptions import ValidationError
from django.forms import BoundField
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from intake import channels
from intake.circumstances import Circumstances
from intake.fields import (
    CodeField,
    CodesField,
    CreditCodeField,
    DayField,
    LineField,
    MailField,
    MobileField,
    MonthField,
    NameField,
    NumberField,
    PhoneField,
    PostcodeField,
    TextField,
)
from intake.flows import Section
from register import clock, codes, employer
from register.materials import CHANGE_CATEGORY
from register.models import Kind, Sex
from register.training import same_certificate

Stored = dict[str, Any]

LEAST_WORKING_AGE: Final = 16
LEAST_GRADUATION_AGE: Final = 15
CONTRACT_ENDS_SOON: Final = timedelta(days=30)
# More rows than any life has, so that nobody fills the form without end.
MOST_ROWS: Final = 50
# Subjects of the exam have their own categories since the rules of 2019 came into force.
EXAM_HAS_CATEGORY_SINCE: Final = date(2019, 3, 1)
ENTERPRISE_CHANNEL: Final = "3"
# What stands above the employer, in the channels that have a word for it.
SUPERIORS: Final = {"2": _("主管部门"), ENTERPRISE_CHANNEL: _("所属集团")}


# What Django's own validators say, in the words of this form.
TEXT_ERRORS: Final = {
    "max_length": _("最多 %(limit_value)d 个字，现为 %(show_value)d 个字，请缩短。"),
    "null_characters_not_allowed": _("含有不能使用的空字符，请删除后重新填写。"),
}


def month_of(text: str) -> date:
    """The first day of a stored month."""
    return date.fromisoformat(f"{text}-01")


def labelled(label: str | Promise | None, error: str) -> str:
    """An error with the name of its field, for the summary at the top."""
    return gettext("%(label)s：%(error)s") % {"label": label or "", "error": error}


class SectionForm(forms.Form):
    """A section of the form in the circumstances of one application."""

    section: ClassVar[Section]
    # Groups of fields as they stand on the page and in the summary.
    layout: ClassVar[tuple[tuple[str | Promise, tuple[str, ...]], ...]] = ()

    def __init__(
        self,
        data: Mapping[str, Any] | None = None,
        *,
        about: Circumstances,
        stored: Stored | None = None,
        only: frozenset[str] | None = None,
    ) -> None:
        """`only` names the fields that may be changed (a correction); the others show what was lodged."""
        super().__init__(data, initial=stored or {}, prefix=str(self.section))
        for field in self.fields.values():
            if isinstance(field, forms.ChoiceField):
                field.error_messages |= {"required": _("请选择。"), "invalid_choice": _("请从列表中选择。")}
            elif not isinstance(field, forms.BooleanField):
                field.error_messages = {**TEXT_ERRORS, **field.error_messages, "required": _("请填写。")}
        self.about = about
        self.only = only
        self.warnings: list[str | Promise] = []
        self.fit()
        if only is not None:
            for name, field in self.fields.items():
                field.disabled = name not in only

    def fit(self) -> None:
        """Drop or require fields as the kind and the circumstances ask."""

    def require(self, names: Iterable[str]) -> None:
        for name in names:
            self.fields[name].required = True

    def drop(self, *names: str) -> None:
        for name in names:
            self.fields.pop(name, None)

    def warn(self, message: str | Promise) -> None:
        """Something an officer may object to; it keeps nobody from going on."""
        self.warnings.append(message)

    def groups(self) -> list[tuple[str | Promise, list[BoundField]]]:
        """The visible fields by group, for `components/form.html`."""
        shown = self.fields.keys() if self.only is None else self.only
        found = (
            (legend, [self[n] for n in names if n in self.fields and n in shown])
            for legend, names in self.layout
        )
        return [(legend, fields) for legend, fields in found if fields]

    @property
    def shown(self) -> list[tuple[str | Promise, list[tuple[BoundField, str]]]]:
        """The visible fields by group, each with the registered value it may change (原)."""
        former = self.former()
        return [
            (legend, [(one, former.get(one.name, "")) for one in group]) for legend, group in self.groups()
        ]

    def former(self) -> dict[str, str]:
        """Of a change, the registered values in words, by field."""
        return {}

    def full_clean(self) -> None:
        """Check the fields; nobody is asked to mend what may not be changed."""
        super().full_clean()
        if self.only is not None:
            for name in self.errors.keys() - self.only:
                del self.errors[name]

    def storable(self) -> Stored:
        """What may be kept of a validated form: every field that is right by itself."""
        wrong = self.errors
        return {n: value for n, value in self.cleaned_data.items() if n in self.fields and n not in wrong}

    @classmethod
    def checking(cls, stored: Stored | None, about: Circumstances) -> SectionForm:
        """The form bound to what is stored, to see whether it would be accepted as it stands."""
        form = cls(about=about)
        form.data = {form.add_prefix(name): value for name, value in (stored or {}).items()}
        form.is_bound = True
        return form


class PersonalForm(SectionForm):
    """B 个人基本信息. Name and document come from the roster; what the document tells is not asked."""

    section = Section.PERSONAL
    layout = (
        (_("身份信息"), ("sex", "birth_date")),
        (_("学历和职称"), ("education", "degree", "school", "major", "graduation_date", "study_mode")),
        (_("职务"), ("title", "title_name", "post")),
        (_("联系方式"), ("mobile", "email", "phone", "address", "postcode")),
    )
    REQUIRED: ClassVar[dict[Kind, tuple[str, ...]]] = {
        Kind.INITIAL: (
            "education",
            "degree",
            "school",
            "major",
            "graduation_date",
            "study_mode",
            "mobile",
        ),
        Kind.CHANGE: ("mobile",),
        Kind.RENEWAL: ("mobile",),
        Kind.REREGISTRATION: ("mobile",),
    }
    ONLY_INITIAL: ClassVar = ("school", "major", "graduation_date", "study_mode")

    sex = CodeField(label=_("性别"), codes=[(s.value, s.label) for s in (Sex.MALE, Sex.FEMALE)], radios=True)
    birth_date = DayField(label=_("出生日期"))
    education = CodeField(label=_("学历"), codes=(), required=False)
    degree = CodeField(label=_("学位"), codes=(), required=False)
    school = LineField(label=_("毕业院校"), max_length=100, required=False)
    major = LineField(label=_("所学专业"), max_length=100, required=False)
    graduation_date = MonthField(label=_("毕业时间"), required=False)
    study_mode = CodeField(label=_("学习形式"), codes=(), required=False)
    title = CodeField(label=_("专业技术职称级别"), codes=(), required=False)
    title_name = LineField(
        label=_("职称名称"), max_length=60, required=False, help_text=_("如高级工程师、工程师。")
    )
    post = LineField(label=_("现任职务"), max_length=60, required=False)
    mobile = MobileField(
        label=_("手机号码"),
        required=False,
        widget=forms.TextInput(attrs={"inputmode": "tel", "autocomplete": "tel-national"}),
    )
    email = MailField(
        label=_("电子邮箱"),
        required=False,
        help_text=_("建议填写：忘记密码时凭邮箱找回。"),
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )
    phone = PhoneField(
        label=_("联系电话"), required=False, widget=forms.TextInput(attrs={"inputmode": "tel"})
    )
    address = LineField(
        label=_("通讯地址"),
        max_length=200,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    postcode = PostcodeField(
        label=_("邮政编码"), required=False, widget=forms.TextInput(attrs={"inputmode": "numeric"})
    )

    def fit(self) -> None:
        if self.about.person.sex in (Sex.MALE, Sex.FEMALE):
            self.drop("sex")
        if self.about.person.birth_date:
            self.drop("birth_date")
        if self.about.kind != Kind.INITIAL:
            self.drop(*self.ONLY_INITIAL)
        fill(self, education="education", degree="degree", study_mode="study_mode", title="title")
        self.require(self.REQUIRED[self.about.kind])

    def clean_birth_date(self) -> str:
        value: str = self.cleaned_data["birth_date"]
        if value and date.fromisoformat(value) > self.about.today:
            raise ValidationError(_("出生日期不能晚于今天。"), code="future")
        least = self.about.policy.min_age
        if value and clock.add_years(date.fromisoformat(value), least) > self.about.today:
            raise ValidationError(
                _("申请人须年满 %(years)s 周岁，请核对出生日期。"), code="too_young", params={"years": least}
            )
        return value

    def clean_graduation_date(self) -> str:
        value: str = self.cleaned_data["graduation_date"]
        if not value:
            return value
        month = month_of(value)
        if month > self.about.today:
            raise ValidationError(_("毕业时间不能晚于本月。"), code="future")
        born = birth_date_of(self.about, self.cleaned_data)
        if born and month < clock.add_years(born, LEAST_GRADUATION_AGE).replace(day=1):
            raise ValidationError(_("毕业时间过早：毕业时不满 15 周岁，请核对。"), code="too_young")
        return value

    def clean(self) -> None:
        if self.cleaned_data.get("email") == "":
            self.warn(_("没有填写电子邮箱，忘记密码时只能联系注册机构。"))


def birth_date_of(about: Circumstances, personal: Stored) -> date | None:
    """The birth date of the register, or the one typed where the document does not tell it."""
    typed = personal.get("birth_date")
    return about.birth_date or (date.fromisoformat(typed) if typed else None)


def fill(form: forms.Form, **lists: str) -> None:
    """Give choice fields the lines of their code lists."""
    for name, code_list in lists.items():
        field = form.fields.get(name)
        if isinstance(field, forms.ChoiceField):
            blank = [] if isinstance(field.widget, forms.CheckboxSelectMultiple) else [("", _("请选择"))]
            field.choices = [*blank, *codes.choices(code_list)]


class RegistrationForm(SectionForm):
    """D 注册信息: the category, and for a change what changes."""

    section = Section.REGISTRATION
    layout = ((_("注册信息"), ("change_items", "category")),)

    change_items = CodesField(label=_("变更事项"), codes=(), help_text=_("可以同时选择多项。"))
    category = CodeField(
        label=_("注册类别"), codes=(), help_text=_("按所从事的业务选择，一般与资格证书的专业类别一致。")
    )

    def fit(self) -> None:
        if self.about.kind != Kind.CHANGE:
            self.drop("change_items")
        fill(self, change_items="change_item")
        offered = codes.categories(self.about.policy, self.about.today)
        lines = [("", _("请选择")), *((entry.code, entry.label) for entry in offered)]
        self.fields["category"].choices = lines  # type: ignore[attr-defined]
        if not self.initial.get("category"):
            self.initial["category"] = likely_category(self.about, [entry.code for entry in offered])

    def former(self) -> dict[str, str]:
        registered = self._registered()
        return {"category": codes.label("category", registered)} if registered else {}

    def clean(self) -> None:
        chosen = self.cleaned_data.get("category", "")
        if self.about.kind == Kind.CHANGE:
            self._check_change(chosen)
        if chosen and chosen != self._registered() and needs_category_proof(self.about, chosen):
            self.warn(
                gettext(
                    "注册类别与资格证书的专业类别（%(exam)s）不一致，须随材料提交相应专业类别的考试合格证明。"
                )
                % {"exam": codes.label("category", exam_category(self.about))}
            )
        hint = channels.hint(category=chosen, channel=self.about.channel)
        if hint:
            self.warn(hint)

    def _registered(self) -> str:
        """The category a change may leave as it is."""
        held = self.about.registration
        return held.category if held and self.about.kind == Kind.CHANGE else ""

    def _check_change(self, chosen: str) -> None:
        registered = self._registered()
        wanted = CHANGE_CATEGORY in self.cleaned_data.get("change_items", ())
        if wanted and chosen == registered:
            self.add_error("category", _("您选择了变更注册类别，请选择与原类别不同的类别。"))
        if chosen and registered and not wanted and chosen != registered:
            self.add_error("change_items", _("注册类别与原来不同，请同时勾选“变更注册类别”。"))


def exam_category(about: Circumstances) -> str:
    """The category of the certificate; certificates from before 2019 have none that counts."""
    held = about.qualification
    return held.category if held and held.issued_on >= EXAM_HAS_CATEGORY_SINCE else ""


def needs_category_proof(about: Circumstances, chosen: str) -> bool:
    """Whether the category is not that of the exam, so that another pass certificate must show it.

    Certificates from before 2019 carry no category to compare with; an old category and a new one agree
    through the mapping of document 118 of 2017.
    """
    return bool(chosen) and not codes.category_agrees(chosen, exam_category(about))


def likely_category(about: Circumstances, offered: Iterable[str]) -> str:
    """The category to propose: the registered one or the certificate's, where it is unambiguous."""
    known = about.registration.category if about.registration else exam_category(about)
    if not known:
        return ""
    fitting = [code for code in offered if codes.category_agrees(code, known)]
    return known if known in fitting else (fitting[0] if len(fitting) == 1 else "")


class EmployerForm(SectionForm):
    """E 聘用单位信息, with the employer attribute code (单位属性代码)."""

    section = Section.EMPLOYER
    layout = (
        (_("单位"), ("name", "code", "attribute", "ownership", "industry", "group", "legal_representative")),
        (_("单位地址"), ("province", "city", "district", "address", "postcode", "headcount")),
        (_("单位联系人"), ("contact", "phone", "email")),
        (_("劳动合同"), ("post", "contract_from", "contract_to", "contract_open_ended")),
    )

    name = LineField(label=_("单位名称"), max_length=200, help_text=_("与营业执照和公章一致的全称。"))
    code = CreditCodeField(label=_("统一社会信用代码"), help_text=_("营业执照上的 18 位代码。"))
    attribute = CodeField(label=_("单位属性代码"), codes=())
    ownership = CodeField(label=_("单位性质"), codes=(), required=False)
    industry = CodeField(label=_("所属行业"), codes=(), required=False)
    group = LineField(label=_("主管部门或所属集团"), max_length=100, required=False)
    legal_representative = NameField(label=_("法定代表人"), max_length=100, required=False)
    province = CodeField(label=_("所在省（自治区、直辖市）"), codes=())
    city = LineField(label=_("所在市"), max_length=40, help_text=_("直辖市填写市名。"))
    district = LineField(label=_("所在区县"), max_length=40)
    address = LineField(label=_("单位地址"), max_length=200, help_text=_("街道和门牌号。"))
    postcode = PostcodeField(label=_("邮政编码"), widget=forms.TextInput(attrs={"inputmode": "numeric"}))
    headcount = NumberField(
        label=_("从业人数"),
        required=False,
        min_value=1,
        max_value=9_999_999,
        step_size=1,
        error_messages={
            "invalid": _("从业人数应为整数，如 120。"),
            "min_value": _("从业人数至少为 1。"),
            "max_value": _("从业人数过大，请核对。"),
            "step_size": _("从业人数应为整数，如 120。"),
        },
        widget=forms.TextInput(attrs={"inputmode": "numeric"}),
    )
    contact = NameField(label=_("联系人"), max_length=100)
    phone = PhoneField(label=_("联系电话"), widget=forms.TextInput(attrs={"inputmode": "tel"}))
    email = MailField(label=_("电子邮箱"), required=False)
    post = LineField(
        label=_("聘用岗位"), max_length=60, help_text=_("劳动合同上的岗位，应为安全生产相关岗位。")
    )
    contract_from = DayField(label=_("劳动合同起始日期"))
    contract_to = DayField(label=_("劳动合同终止日期"), required=False)
    contract_open_ended = forms.BooleanField(label=_("无固定期限劳动合同"), required=False)

    def fit(self) -> None:
        fill(
            self,
            attribute="employer_attribute",
            ownership="ownership",
            industry="industry",
            province="province",
        )
        if self.about.channel in SUPERIORS:
            self.fields["group"].label = SUPERIORS[self.about.channel]
        if self.about.channel == ENTERPRISE_CHANNEL:
            self.require(["group"])

    def former(self) -> dict[str, str]:
        held = self.about.registration
        if held is None or self.about.kind != Kind.CHANGE:
            return {}
        return {"name": held.employer_name, "code": held.employer_code}

    def clean_code(self) -> str:
        code: str = self.cleaned_data["code"]
        if employer.is_state_organ(code):
            raise ValidationError(
                _("该代码属于国家机关。国家机关工作人员不能注册，请填写聘用您的企业或机构。"),
                code="government",
            )
        return code

    def clean(self) -> None:
        data = self.cleaned_data
        self._check_contract(data)
        odd = employer.code_warning(data["code"]) if data.get("code") else None
        if odd:
            self.warn(odd)
        registration = self.about.registration
        if self.about.kind == Kind.RENEWAL and registration and "code" in data:
            # Old records have no code: then the name tells.
            moved = (
                data["code"] != registration.employer_code
                if registration.employer_code
                else data.get("name", "") != registration.employer_name
            )
            if moved and self.about.policy.renewal_same_employer:
                self.add_error("code", _("延续注册须在原聘用单位办理；已更换单位的，请先办理变更注册。"))
            elif moved:
                self.warn(_("聘用单位与原注册单位不同，请确认是否应先办理变更注册。"))

    def _check_contract(self, data: Stored) -> None:
        start, end = data.get("contract_from", ""), data.get("contract_to", "")
        today = self.about.today.isoformat()
        if data.get("contract_open_ended"):
            data["contract_to"] = end = ""
        elif "contract_to" in data and not end:
            self.add_error("contract_to", _("请填写终止日期；没有终止日期的，请勾选“无固定期限劳动合同”。"))
        if start > today:
            self.add_error("contract_from", _("劳动合同须已生效：起始日期不能晚于今天。"))
        if end and start and end < start:
            self.add_error("contract_to", _("终止日期不能早于起始日期。"))
        elif end and end <= today:
            self.add_error("contract_to", _("劳动合同已到期，请填写现行合同的终止日期。"))
        elif end and date.fromisoformat(end) < self.about.today + CONTRACT_ENDS_SOON:
            self.warn(_("劳动合同将在 30 天内到期，建议续签后再上报。"))


@dataclass(frozen=True, slots=True)
class Months:
    """The span of a row of experience in months; without an end it reaches to this month."""

    since: str
    until: str

    @classmethod
    def of(cls, row: Stored, today: date) -> Months:
        return cls(row["from"], row["to"] or f"{today:%Y-%m}")

    def overlaps(self, other: Months) -> bool:
        return self.since < other.until and other.since < self.until


class RowForm(SectionForm):
    """One row of a list. `others` are the rows it will stand beside."""

    # How the row's keys in the dossier are called in the form, where a key would be no fitting name.
    renamed: ClassVar[dict[str, str]] = {}

    def __init__(
        self,
        data: Mapping[str, Any] | None = None,
        *,
        about: Circumstances,
        stored: Stored | None = None,
        others: list[Stored] | None = None,
        only: frozenset[str] | None = None,
    ) -> None:
        self.others = others or []
        super().__init__(data, about=about, stored=self.typed(stored or {}), only=only)

    @classmethod
    def typed(cls, row: Stored) -> Stored:
        """A stored row as the form's own fields."""
        return {cls.renamed.get(key, key): value for key, value in row.items()}

    def row(self) -> Stored:
        """The row as it is stored."""
        names = {new: old for old, new in self.renamed.items()}
        return {names.get(name, name): value for name, value in self.cleaned_data.items()}

    @classmethod
    def checking(
        cls, stored: Stored | None, about: Circumstances, others: list[Stored] | None = None
    ) -> RowForm:
        form = cls(about=about, others=others)
        form.data = {form.add_prefix(name): value for name, value in cls.typed(stored or {}).items()}
        form.is_bound = True
        return form


class ExperienceForm(RowForm):
    """F 从事安全生产相关业务工作经历, one row."""

    section = Section.EXPERIENCE
    renamed = {"from": "since", "to": "until"}

    since = MonthField(label=_("开始时间"))
    until = MonthField(label=_("结束时间"), required=False, help_text=_("仍在该单位工作的不填，勾选“至今”。"))
    ongoing = forms.BooleanField(label=_("至今（仍在该单位工作）"), required=False)
    employer = LineField(label=_("工作单位"), max_length=200)
    post = LineField(label=_("职务或岗位"), max_length=60)
    work = CodeField(label=_("从事何种安全生产业务"), codes=())
    witness = NameField(label=_("证明人"), max_length=100, required=False)
    witness_phone = PhoneField(label=_("证明人电话"), required=False)

    @classmethod
    def typed(cls, row: Stored) -> Stored:
        return {**super().typed(row), "ongoing": bool(row) and not row.get("to")}

    def row(self) -> Stored:
        row = super().row()
        row.pop("ongoing")
        return row

    def fit(self) -> None:
        fill(self, work="safety_work")

    def clean(self) -> None:
        data = self.cleaned_data
        since, until = data.get("since", ""), data.get("until", "")
        this_month = f"{self.about.today:%Y-%m}"
        if data.get("ongoing"):
            data["until"] = until = ""
            if any(not row["to"] for row in self.others):
                self.add_error("ongoing", _("只能有一段经历填写“至今”，请先给另一段填写结束时间。"))
        elif "until" in data and not until:
            self.add_error("until", _("请填写结束时间；仍在该单位工作的，请勾选“至今”。"))
        if since > this_month:
            self.add_error("since", _("开始时间不能晚于本月。"))
        elif since and self._too_young(since):
            self.add_error("since", _("开始时间过早：当时不满 16 周岁，请核对。"))
        if until > this_month:
            self.add_error("until", _("结束时间不能晚于本月；仍在该单位工作的，请勾选“至今”。"))
        elif until and since and until < since:
            self.add_error("until", _("结束时间不能早于开始时间。"))
        self._check_count()
        self._warn_of_overlap()

    def _check_count(self) -> None:
        if len(self.others) >= MOST_ROWS:
            self.add_error(
                "since", gettext("最多填写 %(most)s 段经历，请合并较早的经历。") % {"most": MOST_ROWS}
            )

    def _too_young(self, since: str) -> bool:
        born = self.about.birth_date
        if born is None:
            return False
        return month_of(since) < clock.add_years(born, LEAST_WORKING_AGE).replace(day=1)

    def _warn_of_overlap(self) -> None:
        if self.errors:
            return
        mine = Months.of(self.row(), self.about.today)
        if any(mine.overlaps(Months.of(row, self.about.today)) for row in self.others):
            self.warn(_("这段经历与另一段的时间重叠，请确认无误。"))


class EducationForm(RowForm):
    """G 继续教育, one course."""

    section = Section.EDUCATION
    renamed = {"from": "since", "to": "until"}

    since = DayField(label=_("开始日期"))
    until = DayField(label=_("结束日期"))
    provider = LineField(label=_("培训机构"), max_length=100)
    course = LineField(label=_("培训内容或课程"), max_length=100, required=False)
    course_class = CodeField(label=_("课程类别"), codes=(), required=False)
    hours = NumberField(
        label=_("学时"),
        min_value=Decimal("0.5"),
        max_value=200,
        step_size=Decimal("0.5"),
        error_messages={
            "invalid": _("学时应为数字，如 16 或 16.5。"),
            "min_value": _("学时应大于 0。"),
            "max_value": _("每项培训最多 200 学时。"),
            "step_size": _("学时以 0.5 为单位。"),
        },
        widget=forms.TextInput(attrs={"inputmode": "decimal"}),
    )
    certificate = LineField(
        label=_("培训证书编号"), max_length=40, help_text=_("合格证书或者培训证明上的编号。")
    )

    def fit(self) -> None:
        fill(self, course_class="education_class")
        if self.about.policy.ce_professional_share:
            self.require(["course_class"])

    def clean(self) -> None:
        since, until = self.cleaned_data.get("since", ""), self.cleaned_data.get("until", "")
        today = self.about.today.isoformat()
        if since > today:
            self.add_error("since", _("培训须已开始：开始日期不能晚于今天。"))
        if until and since and until < since:
            self.add_error("until", _("结束日期不能早于开始日期。"))
        if until > today:
            self.add_error("until", _("培训须已结束：结束日期不能晚于今天。"))
        began = self.about.period_began
        if self.about.kind == Kind.RENEWAL and began and since and since < began.isoformat():
            self.add_error(
                "since", gettext("培训须在本注册周期内（自%(day)s起）。") % {"day": date_format(began)}
            )
        self._check_certificate(self.cleaned_data.get("certificate", ""))

    def _check_certificate(self, number: str) -> None:
        """A certificate counts once: beside the own rows, and beside what agencies have entered."""
        key = same_certificate(number)
        if key and any(same_certificate(row.get("certificate", "")) == key for row in self.others):
            self.add_error("certificate", _("这个证书编号已经填写过，同一培训不能重复计算学时。"))
        elif key and any(same_certificate(one.certificate_number) == key for one in self.about.training):
            self.warn(_("这项培训注册机构已经登记，学时不重复计算。"))


class PerformanceForm(SectionForm):
    """H 执业期间履职情况 (renewal)."""

    section = Section.PERFORMANCE
    layout = ((_("执业期间履职情况"), ("text",)),)
    LONGEST: ClassVar = 1000

    text = TextField(
        label=_("履职情况"),
        max_length=LONGEST,
        widget=forms.Textarea(attrs={"rows": 8, "data-count": LONGEST}),
        help_text=_("简述注册有效期内从事的安全生产工作，不超过 1000 字。"),
    )


class DeclarationForm(SectionForm):
    """I 本人承诺, and how the certificate is to be handed over."""

    section = Section.DECLARATION

    delivery = CodeField(label=_("证书领取方式"), codes=(), radios=True)
    agreed = forms.BooleanField(
        label=_(
            "本人承诺：以上所填信息和提交的材料真实、准确，本人没有同时在两个以上单位申请注册，并对其真实性负责。"
        ),
        error_messages={"required": _("请阅读并勾选本人承诺。")},
    )

    def fit(self) -> None:
        self.fields["delivery"].choices = codes.choices("delivery")  # type: ignore[attr-defined]


FORMS: Final[dict[Section, type[SectionForm]]] = {
    Section.PERSONAL: PersonalForm,
    Section.REGISTRATION: RegistrationForm,
    Section.EMPLOYER: EmployerForm,
    Section.PERFORMANCE: PerformanceForm,
    Section.DECLARATION: DeclarationForm,
}
ROW_FORMS: Final[dict[Section, type[RowForm]]] = {
    Section.EXPERIENCE: ExperienceForm,
    Section.EDUCATION: EducationForm,
}
