"""Forms of the ways in, and of what everybody may ask without an account."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from captcha.fields import CaptchaField
from django import forms
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.forms.boundfield import BoundField
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from intake.fields import (
    CertificateField,
    CheckedField,
    CodeField,
    MailField,
    NameField,
    PhoneField,
    TextField,
    plain_line,
)
from register import appeals, clock, codes, documents, lookup, uploads
from register.appeals import Proof
from register.certificates import codes as certificate_codes
from register.models import DocumentType
from tenants.models import User

FIRST_EXAM_YEAR: Final = 2002
NOT_LISTED: Final = _("请从列表中选择一项。")


def document_type() -> CodeField:
    return CodeField(
        label=_("证件类型"),
        codes=DocumentType.choices,
        initial=DocumentType.RESIDENT_ID,
        error_messages={"required": _("请选择证件类型。"), "invalid_choice": NOT_LISTED},
    )


def formats() -> SafeString:
    """How the numbers of all types are written; the style sheet shows that of the chosen type."""
    lines = ((each.value, each.label, documents.FORMATS[each]) for each in DocumentType)
    return format_html_join("", '<span class="format format-{}"><b>{}</b> {}</span>', lines)


def holder_name() -> NameField:
    return NameField(
        label=_("姓名"),
        max_length=100,
        error_messages={"required": _("请填写姓名。")},
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )


def exam_year() -> forms.TypedChoiceField:
    return forms.TypedChoiceField(
        label=_("考试年度"),
        coerce=int,
        error_messages={"required": _("请选择考试年度。"), "invalid_choice": NOT_LISTED},
    )


def exam_years() -> list[tuple[str, Any]]:
    """The years of all exams there have been, the latest first."""
    years = range(clock.today().year, FIRST_EXAM_YEAR - 1, -1)
    return [("", _("请选择")), *((str(year), str(year)) for year in years)]


class PublicForm(forms.Form):
    """A form that needs no account: every one of them carries the captcha."""

    captcha = CaptchaField(
        label=_("验证码"),
        error_messages={
            "required": _("请填写图片中的数字。"),
            "invalid": _("验证码不正确或已过期，请按新图片填写。"),
        },
    )


class DocumentForm(PublicForm):
    """Document type and number. The type stands in the subclass, whose fields come in its own order."""

    number = forms.CharField(
        label=_("证件号码"),
        max_length=60,
        error_messages={"required": _("请填写证件号码。")},
        widget=forms.TextInput(
            attrs={"autocomplete": "username", "spellcheck": "false", "autocapitalize": "off"}
        ),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["number"].help_text = formats()

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = self.cleaned_data
        if data.get("document_type") and data.get("number"):
            try:
                data["number"] = documents.check(data["document_type"], data["number"])
            except ValidationError as error:
                self.add_error("number", error)
        return data


class SignInForm(DocumentForm):
    """注册申请登陆."""

    field_order = ["document_type", "number", "password", "captcha"]

    document_type = document_type()
    password = forms.CharField(
        label=_("密码"),
        strip=False,
        max_length=128,
        error_messages={"required": _("请填写密码；首次使用请先设置密码。")},
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )


class IdentityForm(DocumentForm):
    """身份验证: what only the holder of the certificate knows."""

    field_order = ["name", "document_type", "number", "certificate_number", "captcha"]

    name = holder_name()
    document_type = document_type()
    certificate_number = CertificateField(
        label=_("证书编号"),
        max_length=40,
        help_text=_("资格证书编号；已注册的，也可以填写执业证编号。"),
        error_messages={"required": _("请填写证书编号。")},
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )


class ExamForm(IdentityForm):
    """注册资格信息验证: the same, and the year of the exam."""

    field_order = ["name", "document_type", "number", "certificate_number", "exam_year", "captcha"]

    exam_year = exam_year()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["certificate_number"].label = _("资格证书编号")
        self.fields["certificate_number"].help_text = _("职业资格证书或执业资格证书上的编号。")
        self.fields["exam_year"].choices = exam_years()  # type: ignore[attr-defined]


class PasswordForm(forms.Form):
    """密码设置."""

    password = forms.CharField(
        label=_("新密码"),
        strip=False,
        max_length=128,
        help_text=_("至少 8 个字符，包含大写字母、小写字母、数字、符号中的至少三类。"),
        error_messages={"required": _("请填写新密码。")},
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    again = forms.CharField(
        label=_("再次输入新密码"),
        strip=False,
        max_length=128,
        error_messages={"required": _("请再次输入新密码。")},
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user

    def clean_password(self) -> str:
        password: str = self.cleaned_data["password"]
        validate_password(password, self.user)
        return password

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = self.cleaned_data
        if "password" in data and "again" in data and data["password"] != data["again"]:
            self.add_error("again", _("两次输入的密码不一致，请重新输入。"))
        return data


class RecoveryForm(DocumentForm):
    """密码找回."""

    field_order = ["document_type", "number", "captcha"]

    document_type = document_type()


class CounterCodeForm(DocumentForm):
    """用柜台重置码设置密码."""

    field_order = ["name", "document_type", "number", "code", "captcha"]

    name = holder_name()
    document_type = document_type()
    code = forms.CharField(
        label=_("重置码"),
        max_length=20,
        help_text=_("见柜台给您的重置单，8 位字母和数字，不分大小写。"),
        error_messages={"required": _("请填写重置码。")},
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "spellcheck": "false", "autocapitalize": "characters"}
        ),
    )


# --- Registrations and appeals -----------------------------------------------------------------------


class RegistrationNumberField(CheckedField):
    """The number of a registration certificate."""

    check = staticmethod(lookup.check_number)


class LookupForm(PublicForm):
    """注册查询: what stands on a certificate that somebody shows."""

    field_order = ["name", "number", "captcha"]

    name = NameField(
        label=_("姓名"),
        max_length=100,
        error_messages={"required": _("请填写姓名。")},
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    number = RegistrationNumberField(
        label=_("执业证编号"),
        max_length=40,
        help_text=_("11 位数字，见执业证。"),
        error_messages={"required": _("请填写执业证编号。")},
        widget=forms.TextInput(attrs={"autocomplete": "off", "inputmode": "numeric", "spellcheck": "false"}),
    )


class CertificateCodeField(CheckedField):
    """The verification code of a registration certificate, as it is printed or without its dashes."""

    check = staticmethod(certificate_codes.check)


class VerifyForm(forms.Form):
    """执业证验证: the code alone; who guesses is held up by the count of the network."""

    code = CertificateCodeField(
        label=_("证书验证码"),
        max_length=60,
        help_text=_("执业证左下方的 20 位字母和数字，不区分大小写，中间的短横可以省略。"),
        error_messages={"required": _("请填写证书验证码。")},
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false"}
        ),
    )


class ProofField(forms.FileField):
    """A picture or PDF; it is opened only once the whole form is in order."""

    widget = forms.FileInput

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=150, **kwargs)
        self.widget.attrs["accept"] = "image/jpeg,image/png,application/pdf"
        self.error_messages["max_length"] = _("文件名太长，请缩短到 150 个字符以内。")
        self.error_messages["empty"] = _("这个文件是空的。请重新选择文件。")


class AppealForm(DocumentForm):
    """考试信息申诉: who was examined where and when, how to reach them, and what proves it."""

    PROOFS = ("proof_1", "proof_2", "proof_3")
    GROUPS = (
        (_("本人信息"), ("name", "phone", "document_type", "number", "email")),
        (_("考试信息"), ("certificate_number", "exam_year", "exam_place", "statement")),
        (_("证明材料"), PROOFS),
        (_("提交前验证"), ("captcha",)),
    )
    field_order = [name for _title, names in GROUPS for name in names]

    name = holder_name()
    document_type = document_type()
    certificate_number = CertificateField(
        label=_("资格证书编号"),
        max_length=40,
        help_text=_("职业资格证书或执业资格证书上的编号。"),
        error_messages={"required": _("请填写证书编号。")},
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    exam_year = exam_year()
    exam_place = CodeField(
        label=_("报考省份"), codes=(), required=False, error_messages={"invalid_choice": NOT_LISTED}
    )
    phone = PhoneField(
        label=_("联系电话"),
        max_length=40,
        help_text=_("手机号码，或如 010-12345678。"),
        error_messages={"required": _("请填写联系电话。")},
        widget=forms.TextInput(attrs={"autocomplete": "tel", "inputmode": "tel"}),
    )
    email = MailField(
        label=_("电子邮箱"),
        max_length=300,
        required=False,
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )
    statement = TextField(
        label=_("情况说明"),
        required=False,
        max_length=1000,
        help_text=_("如曾用名、证件号码变更、证书上的信息与名册不同之处。"),
        widget=forms.Textarea(attrs={"rows": 4}),
    )
    proof_1 = ProofField(
        label=_("证明材料 1"),
        help_text=_("资格证书或成绩证明的照片或扫描件，JPG、PNG 或 PDF，不超过 5 MB。"),
        error_messages={"required": _("请至少上传一份证明材料。")},
    )
    proof_2 = ProofField(label=_("证明材料 2"), required=False)
    proof_3 = ProofField(label=_("证明材料 3"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["exam_year"].choices = exam_years()  # type: ignore[attr-defined]
        places = [("", _("请选择")), *((each.label_zh, each.label) for each in codes.entries("province"))]
        self.fields["exam_place"].choices = places  # type: ignore[attr-defined]

    @property
    def groups(self) -> list[tuple[str, list[BoundField]]]:
        """The fields under the headings of the page."""
        return [(str(title), [self[name] for name in names]) for title, names in self.GROUPS]

    def clean(self) -> dict[str, Any]:
        """Opens what was uploaded, last of all: nobody makes the server work without a right captcha."""
        data = super().clean()
        data["proofs"] = [] if self.errors else list(self._proofs(data))
        return data

    def _proofs(self, data: dict[str, Any]) -> Iterator[Proof]:
        for field in self.PROOFS:
            upload: UploadedFile[Any] | None = data.get(field)
            if upload is None:
                continue
            try:
                paper = uploads.sanitised(upload)
            except ValidationError as error:
                self.add_error(field, error)
                continue
            yield Proof(
                name=plain_line(upload.name or "")[:150] or field,
                content_type=paper.content_type,
                data=paper.data,
                sha256=paper.sha256,
            )


class AppealReferenceField(CheckedField):
    """The number on the receipt of an appeal."""

    check = staticmethod(appeals.check_reference)


class AppealStatusForm(DocumentForm):
    """How an appeal stands, for whoever holds its receipt."""

    field_order = ["reference", "document_type", "number", "captcha"]

    reference = AppealReferenceField(
        label=_("申诉编号"),
        max_length=40,
        help_text=_("见申诉回执，以 KS 开头。"),
        error_messages={"required": _("请填写申诉编号。")},
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    document_type = document_type()
