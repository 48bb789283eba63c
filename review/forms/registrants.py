"""What the register's desk asks for: a search, a correction on proof, a restriction, an ending, an answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeAlias

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.utils.datastructures import MultiValueDict
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from register import clock, codes, documents, endings, names, restrictions, uploads
from register.appeals import ExamRecord
from register.corrections import REASON_LENGTH, Because, Proof
from register.models import Appeal, DocumentType, Person, Restriction
from register.resources import EARLIEST_CERTIFICATE

Text = str | Promise
Files: TypeAlias = "MultiValueDict[str, UploadedFile[Any]]"
TEXT_LENGTH: Final = 400
MOST_WORDS: Final = 60


def _long_text(rows: int = 4) -> forms.Textarea:
    return forms.Textarea(attrs={"rows": rows})


class SearchForm(forms.Form):
    """A name, or the number of a certificate, an application or a document."""

    q = forms.CharField(
        label=_("姓名或者编号"),
        max_length=MOST_WORDS,
        error_messages={"required": _("请填写姓名、证书编号、申请编号或者证件号码。")},
        help_text=_("姓名可以只填一部分；执业证编号、资格证书编号、申请编号和证件号码须填写完整。"),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "type": "search"}),
    )

    def clean_q(self) -> str:
        return " ".join(self.cleaned_data["q"].split())


class LookForm(forms.Form):
    """Why the full document number is looked at; it is kept on record."""

    reason = forms.CharField(
        label=_("查看事由"),
        max_length=200,
        error_messages={"required": _("请填写查看完整证件号码的事由。")},
    )


class ProofForm(forms.Form):
    """Why something is corrected, and the file that proves it."""

    reason = forms.CharField(
        label=_("事由"),
        max_length=REASON_LENGTH,
        widget=_long_text(3),
        help_text=_("写明更正的原因和依据，与证明材料一并存档。"),
        error_messages={"required": _("请说明事由。")},
    )
    proof = forms.FileField(
        label=_("证明材料"),
        help_text=_("JPG、PNG 图片或者 PDF 文件，不超过 5 MB。页面提示有误时须重新选择文件。"),
        error_messages={"required": _("请上传证明材料。"), "empty": _("这个文件是空的。请重新选择文件。")},
        widget=forms.FileInput(attrs={"accept": ".jpg,.jpeg,.png,.pdf"}),
    )

    def clean_proof(self) -> Proof:
        upload: UploadedFile[Any] = self.cleaned_data["proof"]
        return Proof(name=(upload.name or "proof")[-150:], file=uploads.sanitised(upload))


class NameForm(ProofForm):
    """The name as the proof has it."""

    field_order = ("name", "reason", "proof")
    name = forms.CharField(
        label=_("更正后的姓名"), max_length=100, error_messages={"required": _("请填写姓名。")}
    )

    def clean_name(self) -> str:
        return names.check(self.cleaned_data["name"])


class DocumentForm(ProofForm):
    """The document as the proof has it, and why it is corrected; its number is typed twice."""

    field_order = ("because", "document_type", "number", "again", "reason", "proof")
    because = forms.ChoiceField(
        label=_("更正原因"),
        choices=Because.choices,
        widget=forms.RadioSelect,
        help_text=_("号码曾是本人证件上的，选“换证”；登记时录错、不是本人号码的，选“登记错误”。"),
        error_messages={"required": _("请选择更正原因。")},
    )
    document_type = forms.ChoiceField(label=_("证件类型"), choices=DocumentType.choices)
    number = forms.CharField(
        label=_("更正后的证件号码"),
        max_length=40,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        error_messages={"required": _("请填写证件号码。")},
    )
    again = forms.CharField(
        label=_("再次填写证件号码"),
        max_length=40,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        error_messages={"required": _("请再次填写证件号码，以防误填。")},
    )

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = self.cleaned_data
        if {"document_type", "number", "again"} <= given.keys():
            kind = given["document_type"]
            try:
                given["number"] = documents.check(kind, given["number"])
            except ValidationError as error:
                self.add_error("number", error)
            else:
                if documents.normalise(kind, given["again"]) != given["number"]:
                    self.add_error("again", _("两次填写的证件号码不一致，请核对。"))
        return given


class OtherRecordForm(forms.Form):
    """The number by which the other record of the same person is found."""

    other = forms.CharField(
        label=_("另一条记录的编号"),
        max_length=MOST_WORDS,
        help_text=_("填写另一条记录的证件号码、执业证编号、资格证书编号或者申请编号。"),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        error_messages={"required": _("请填写另一条记录的编号。")},
    )


class MergerForm(ProofForm):
    """Which of two records stays, why, and on what proof."""

    field_order = ("keep", "reason", "proof", "sure")
    keep = forms.ChoiceField(
        label=_("保留哪一条记录和账号"),
        widget=forms.RadioSelect,
        error_messages={"required": _("请选择保留的记录。")},
    )
    sure = forms.BooleanField(
        label=_("我已核对两条记录属于同一人，并知道合并后不能恢复"),
        error_messages={"required": _("请核对后勾选。")},
    )

    def __init__(
        self, data: Mapping[str, Any] | None = None, files: Files | None = None, *, both: Sequence[Person]
    ) -> None:
        super().__init__(data, files)
        field = self.fields["keep"]
        if isinstance(field, forms.ChoiceField):
            field.choices = [(str(one.pk), f"{one.name} {one.document_mask}") for one in both]


class RestrictionForm(forms.Form):
    """The ground of a restriction, its end where the ground has none, the facts, and the open case."""

    ground = forms.ChoiceField(
        label=_("限制事由"),
        widget=forms.RadioSelect,
        error_messages={"required": _("请选择限制事由。")},
    )
    until = forms.DateField(
        label=_("结束日期"),
        required=False,
        help_text=_("只在事由为“其他”时填写；其余事由的期限按现行政策计算。"),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        error_messages={"invalid": _("请填写有效的日期。")},
    )
    reason = forms.CharField(
        label=_("事实和依据"),
        max_length=restrictions.REASON_LENGTH,
        widget=_long_text(),
        help_text=_("申请人将看到全文。"),
        error_messages={"required": _("请写明事实和依据。")},
    )
    end_case = forms.BooleanField(label=_("同时终止正在办理的申请"), required=False)

    def __init__(self, data: Mapping[str, Any] | None = None, *, open_case: bool, ground: str = "") -> None:
        super().__init__(data, initial={"ground": ground, "end_case": open_case})
        field = self.fields["ground"]
        if isinstance(field, forms.ChoiceField):
            field.choices = [(one.value, self._said(one)) for one in Restriction.Ground if self._bars(one)]
        if not open_case:
            del self.fields["end_case"]

    @staticmethod
    def _bars(ground: Restriction.Ground) -> bool:
        return restrictions.years_of(ground) != 0

    @staticmethod
    def _said(ground: Restriction.Ground) -> Text:
        years = restrictions.years_of(ground)
        if years is None:
            return ground.label
        return _("{ground}（{n} 年）").format(ground=ground.label, n=years)

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = self.cleaned_data
        if given.get("ground") == Restriction.Ground.OTHER:
            if not given.get("until") and "until" not in self.errors:
                self.add_error("until", _("事由为“其他”时，请填写结束日期。"))
            elif given.get("until") and given["until"] <= clock.today():
                self.add_error("until", _("结束日期须在今天之后。"))
        else:
            given["until"] = None
        given.setdefault("end_case", False)
        return given


class ReasonForm(forms.Form):
    """Why, in words that the person reads."""

    text = forms.CharField(
        label=_("理由"),
        max_length=restrictions.REASON_LENGTH,
        widget=_long_text(),
        error_messages={"required": _("请说明理由。")},
    )


class EndingForm(forms.Form):
    """The ground of the law on which a registration ends, and the facts."""

    ground = forms.ChoiceField(
        label=_("法定事由"),
        widget=forms.RadioSelect,
        error_messages={"required": _("请选择法定事由。")},
    )
    text = forms.CharField(
        label=_("事实和依据"),
        max_length=TEXT_LENGTH,
        widget=_long_text(),
        help_text=_("写入决定书，当事人将看到全文。"),
        error_messages={"required": _("请写明事实和依据。")},
    )
    sure = forms.BooleanField(
        label=_("我已核对人员和事由，并知道决定作出后不能撤销"),
        error_messages={"required": _("请核对后勾选。")},
    )

    def __init__(self, data: Mapping[str, Any] | None = None, *, how: str) -> None:
        super().__init__(data)
        offered = endings.GROUNDS[endings.How(how)]
        field = self.fields["ground"]
        if isinstance(field, forms.ChoiceField):
            field.choices = [(one.value, one.label) for one in offered]
        if len(offered) == 1:
            field.initial = offered[0].value


# --- Appeals -----------------------------------------------------------------------------------------


class DismissalForm(forms.Form):
    """The answer to an appeal that is not followed."""

    answer = forms.CharField(
        label=_("答复"),
        max_length=1000,
        widget=_long_text(),
        help_text=_("写明核实的情况和理由，申诉人凭申诉编号查询时看到全文。"),
        error_messages={"required": _("请填写答复内容。")},
    )


class UpholdingForm(DismissalForm):
    """The exam record as the proof has it, and the answer."""

    field_order = (
        "certificate_number",
        "management_number",
        "exam_year",
        "issued_on",
        "issuer",
        "category",
        "answer",
    )
    certificate_number = forms.RegexField(
        r"^[0-9A-Z]{5,24}$",
        label=_("资格证书编号"),
        max_length=24,
        error_messages={
            "required": _("请填写资格证书编号。"),
            "invalid": _("资格证书编号为 5 至 24 位数字或大写字母。"),
        },
    )
    management_number = forms.RegexField(
        r"^[0-9A-Z]{5,24}$",
        label=_("管理号"),
        max_length=24,
        required=False,
        error_messages={"invalid": _("管理号为 5 至 24 位数字或大写字母。")},
    )
    exam_year = forms.IntegerField(
        label=_("考试年度"), error_messages={"required": _("请填写考试年度。"), "invalid": _("请填写年份。")}
    )
    issued_on = forms.DateField(
        label=_("发证日期"),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        error_messages={"required": _("请填写发证日期。"), "invalid": _("请填写有效的日期。")},
    )
    issuer = forms.CharField(label=_("发证机关"), max_length=100, required=False)
    category = forms.ChoiceField(label=_("专业类别"), required=False)

    def __init__(self, data: Mapping[str, Any] | None = None, *, appeal: Appeal) -> None:
        super().__init__(
            data,
            # Both answers stand on one page.
            auto_id="id_upholding_%s",
            initial={"certificate_number": appeal.certificate_number, "exam_year": appeal.exam_year},
        )
        field = self.fields["category"]
        if isinstance(field, forms.ChoiceField):
            offered = [(entry.code, entry.label) for entry in codes.entries("category")]
            field.choices = [("", _("证书上没有")), *offered]

    def clean_issued_on(self) -> Any:
        day = self.cleaned_data["issued_on"]
        if not EARLIEST_CERTIFICATE <= day <= clock.today():
            raise ValidationError(_("发证日期不早于 2002 年 9 月，也不晚于今天。"), code="issued_on")
        return day

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = self.cleaned_data
        year, issued = given.get("exam_year"), given.get("issued_on")
        if year is not None and not 2002 <= year <= clock.today().year:
            self.add_error("exam_year", _("考试年度应在 2002 年至今年之间。"))
        elif year is not None and issued is not None and issued.year < year:
            self.add_error("issued_on", _("发证日期不能早于考试年度。"))
        return given

    def record(self) -> ExamRecord:
        """What is to be entered."""
        return ExamRecord(
            **{
                name: self.cleaned_data[name]
                for name in (
                    "certificate_number",
                    "management_number",
                    "exam_year",
                    "issued_on",
                    "issuer",
                    "category",
                )
            }
        )
