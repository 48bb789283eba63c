"""我的资料: contact data and password, what is kept about a person, and who looked at the full number.

What is shown follows the Personal Information Protection Law (arts 44 to 45): a person may see and take along
what is kept, and learns why and how long.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.http import HttpRequest
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.timezone import localtime
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from intake import filing, recovery
from intake.contact import FIELDS, contact_of
from intake.entry import PasswordForm
from intake.fields import LineField, MailField, MobileField, PhoneField, PostcodeField
from intake.models import Application, Paper
from notifications import board
from register import codes, people, standing
from register.models import Person, Qualification, Registration, TrainingHours
from tenants import attempts, crossing
from tenants.errors import Refusal
from tenants.models import AccessRecord, Agency, User
from tenants.own_sessions import SignedIn

LOOKS_SHOWN: Final = 50


# --- Contact data ----------------------------------------------------------------------------------


class ContactForm(forms.Form):
    """联系方式, by the names and rules of the application form."""

    mobile = MobileField(
        label=_("手机号码"),
        required=False,
        widget=forms.TextInput(attrs={"inputmode": "tel", "autocomplete": "tel-national"}),
    )
    email = MailField(
        label=_("电子邮箱"),
        required=False,
        help_text=_("验证后用于接收通知和找回密码。"),
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )
    phone = PhoneField(
        label=_("联系电话"), required=False, widget=forms.TextInput(attrs={"inputmode": "tel"})
    )
    address = LineField(
        label=_("通讯地址"),
        max_length=200,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "street-address"}),
    )
    postcode = PostcodeField(
        label=_("邮政编码"),
        required=False,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "postal-code"}),
    )
    password = forms.CharField(
        label=_("当前密码"),
        required=False,
        strip=False,
        max_length=128,
        help_text=_("只有更换已验证的电子邮箱时才需要填写，以确认是您本人。"),
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )

    def __init__(self, data: Any = None, *, user: User) -> None:
        super().__init__(data, initial=contact_of(user))
        self.user = user
        if not user.email_verified:
            del self.fields["password"]

    @property
    def replaces_address(self) -> bool:
        """Whether a confirmed address, by which the password can be recovered, is to go."""
        return (
            self.user.email_verified and self.user.email.casefold() != self.cleaned_data["email"].casefold()
        )

    def contact(self) -> dict[str, str]:
        """What was typed, by the names of the application form."""
        return {name: self.cleaned_data[name] for name in FIELDS}

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = self.cleaned_data
        if data.get("mobile") == "" and data.get("email") == "":
            self.add_error("mobile", _("手机号码和电子邮箱至少填写一项。"))
        if "email" in data and self.replaces_address and not data.get("password"):
            self.add_error("password", _("更换已验证的电子邮箱，请填写当前密码。"))
        return data


# --- Password --------------------------------------------------------------------------------------


class ChangePasswordForm(PasswordForm):
    """修改密码: the present password, and the new one twice."""

    field_order = ["present", "password", "again"]

    present = forms.CharField(
        label=_("当前密码"),
        strip=False,
        max_length=128,
        error_messages={"required": _("请填写当前密码。")},
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        if data.get("password") and data["password"] == data.get("present"):
            self.add_error("password", ValidationError(_("新密码不能与当前密码相同。"), code="same"))
        return data


def confirm_password(request: HttpRequest, *, user: User, password: str) -> None:
    """Let the request go on if this is the account's password. Raises `Refusal`; wrong ones are counted."""
    counted = attempts.named("password", str(user.pk))
    attempts.check(request, counted)
    if not user.check_password(password):
        attempts.failed(request, counted)
        raise Refusal(_("当前密码不正确，请重新输入。"), code="wrong_password")
    attempts.forgive(counted)


def change_password(*, user: User, password: str) -> User:
    """Write another password: all other sessions of the account end, and the notice board says so."""
    with crossing.atomic():
        account = User.objects.select_for_update(of=("self",)).get(pk=user.pk)
        recovery.change_password(user=account, password=password)
    return account


# --- What is kept ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Kept:
    """One kind of data about the person: what it is, why it is kept and how long."""

    label: str | Promise
    lines: Sequence[str]
    why: str | Promise
    how_long: str | Promise


@dataclass(frozen=True, slots=True)
class Look:
    """Somebody competent looked at the full document number; who it was stays within the agency."""

    record: AccessRecord
    agency: Agency | None
    reference: str


@dataclass(frozen=True, slots=True)
class Holdings:
    """Everything kept about a person, read once for the page and for the download."""

    person: Person
    user: User
    qualifications: Sequence[Qualification]
    registrations: Sequence[Registration]
    applications: Sequence[Application]
    papers: Sequence[Paper]
    training: Sequence[TrainingHours]
    notices: int
    unread: int
    looks: Sequence[Look]
    looks_more: bool
    devices: Sequence[SignedIn] = ()

    @property
    def drafts(self) -> list[Application]:
        return [one for one in self.applications if one.status == Application.Status.DRAFT]

    @property
    def lodged(self) -> list[Application]:
        return [one for one in self.applications if one.status == Application.Status.LODGED]


def holdings_of(person: Person, user: User, *, devices: Sequence[SignedIn] = ()) -> Holdings:
    """What is kept about this person; `devices` are those on which the account is signed in."""
    applications = list(filing.applications_of(person).exclude(status=Application.Status.DISCARDED))
    looks = _looks_at(person, {one.pk: one.reference for one in applications})
    return Holdings(
        person=person,
        user=user,
        qualifications=list(Qualification.objects.filter(people.rows_of(person)).order_by("issued_on")),
        registrations=standing.registrations_of(person),
        applications=applications,
        papers=list(
            Paper.objects.filter(application__in=applications)
            .only("name", "code", "sha256", "created_at")
            .order_by("created_at")
        ),
        training=list(TrainingHours.objects.filter(people.rows_of(person))),
        notices=board.notices_of(user).count(),
        unread=board.unread_count(user),
        looks=looks[:LOOKS_SHOWN],
        looks_more=len(looks) > LOOKS_SHOWN,
        devices=devices,
    )


def _looks_at(person: Person, references: dict[Any, str]) -> list[Look]:
    records = Person.objects.filter(Q(pk=person.pk) | Q(merged_into=person.pk)).values("pk")
    found = AccessRecord.objects.filter(person_id__in=records).select_related("agency")
    return [
        Look(record, record.agency, references.get(record.case_id, ""))
        for record in found.order_by("-at")[: LOOKS_SHOWN + 1]
    ]


def kept_of(holdings: Holdings, *, draft_days: int) -> list[Kept]:
    """The kinds of data that are kept, each with what there is of it."""
    person, user = holdings.person, holdings.user
    duty = _("办理注册、公告和查询注册状态")
    archive = _("注册档案，按档案管理规定保存")
    return [
        Kept(
            _("身份"),
            [person.name, f"{person.get_document_type_display()} {person.document_mask}"],
            _("确认您是证书持有人；证件号码加密保存，只显示部分数字"),
            archive,
        ),
        Kept(_("资格证书"), [_qualification(one) for one in holdings.qualifications], duty, archive),
        Kept(_("注册"), [_registration(one) for one in holdings.registrations], duty, archive),
        Kept(_("照片"), [gettext("最近一次准予注册时的照片")] if person.photo_id else [], duty, archive),
        Kept(
            _("草稿"),
            [_application(one) for one in holdings.drafts],
            _("让您可以继续填写"),
            _("连续 %(days)s 天没有修改的，自动删除") % {"days": draft_days},
        ),
        Kept(
            _("已上报的申请"), [_application(one) for one in holdings.lodged], _("审查您的注册申请"), archive
        ),
        Kept(
            _("上传的材料"),
            [f"{codes.label('paper', one.code)} · {one.name}" for one in holdings.papers],
            _("审查您的注册申请"),
            _("已上报的随档案保存，其余随草稿删除"),
        ),
        Kept(
            _("继续教育学时"),
            [f"{one.institution} · {one.certificate_number} · {one.hours}" for one in holdings.training],
            duty,
            archive,
        ),
        Kept(
            _("公告信息"),
            [
                gettext("%(all)s 条，未读 %(unread)s 条")
                % {"all": holdings.notices, "unread": holdings.unread}
            ],
            _("告知办理结果和期限"),
            _("账号存续期间"),
        ),
        Kept(
            _("联系方式"),
            list(contact_of(user).values()),
            _("发送通知、找回密码"),
            _("直到您修改或者删除"),
        ),
        Kept(
            _("登录时间"),
            [date_format(localtime(user.last_login), "DATETIME_FORMAT")] if user.last_login else [],
            _("保护账号安全"),
            _("只保存最近一次"),
        ),
        Kept(
            _("登录设备"),
            [_device(one) for one in holdings.devices],
            _("让您看到账号在哪里登录，并可以退出"),
            _("退出登录或者超时后即删除"),
        ),
    ]


def _device(one: SignedIn) -> str:
    parts = [one.browser, one.address, date_format(localtime(one.since), "DATETIME_FORMAT")]
    return " · ".join(part for part in parts if part)


def _application(one: Application) -> str:
    return f"{one.get_kind_display()} · {one.reference}"


def _qualification(one: Qualification) -> str:
    parts = [one.certificate_number, str(one.exam_year), codes.label("category", one.category)]
    return " · ".join(part for part in parts if part)


def _registration(one: Registration) -> str:
    period = f"{date_format(one.valid_from)} — {date_format(one.valid_to)}"
    return f"{one.number} · {one.get_kind_display()} · {period}"


def export_of(holdings: Holdings) -> dict[str, Any]:
    """Everything kept about the person as plain values, to take along; document numbers stay masked."""
    person, user = holdings.person, holdings.user
    return {
        "name": person.name,
        "document": {"type": person.get_document_type_display(), "number": person.document_mask},
        "contact": contact_of(user),
        "email_verified": user.email_verified,
        "language": user.language,
        "as_last_granted": person.personal,
        "qualifications": [
            _row(
                one, "certificate_number", "management_number", "exam_year", "issued_on", "issuer", "category"
            )
            for one in holdings.qualifications
        ],
        "registrations": [
            _row(
                one,
                *("number", "kind", "category", "employer_name", "employer_code"),
                *("first_registered_on", "valid_from", "valid_to", "ended_how", "ended_on"),
            )
            for one in holdings.registrations
        ],
        "applications": [
            _row(one, "reference", "kind", "status", "created_at", "saved_at", "lodged_at", "sections")
            for one in holdings.applications
        ],
        "papers": [_row(one, "code", "name", "sha256", "created_at") for one in holdings.papers],
        "devices": [_row(one, "browser", "address", "since", "seen") for one in holdings.devices],
        "training": [
            _row(one, "institution", "course", "begun_on", "ended_on", "hours", "certificate_number")
            for one in holdings.training
        ],
        "notices": [
            _row(one, "created_at", "title_zh", "body_zh", "title_en", "body_en", "read_at")
            for one in board.notices_of(user)
        ],
        "looks_at_full_number": [
            {
                "at": look.record.at,
                "agency": look.agency.name_zh if look.agency else "",
                "reason": look.record.reason,
                "application": look.reference,
            }
            for look in holdings.looks
        ],
    }


def _row(one: Any, *fields: str) -> dict[str, Any]:
    return {field: getattr(one, field) for field in fields}
