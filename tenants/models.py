"""Agencies, their hosts, the accounts, who holds which role, and who looked at what."""

from __future__ import annotations

import re
import uuid
from base64 import b85decode, b85encode
from importlib import import_module
from typing import Any, ClassVar, Final

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.contrib.sessions.backends.base import SessionBase
from django.contrib.sessions.base_session import AbstractBaseSession
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from django_otp.oath import TOTP, hotp
from django_otp.plugins.otp_totp.models import TOTPDevice
from django_tenants.models import DomainMixin, TenantMixin
from guardian.models import GroupObjectPermissionBase, UserObjectPermissionBase

from tenants.crypto import decrypt, encrypt
from tenants.rolebook import ROLES

AUTHORITY_CODE: Final = "authority"
PUBLIC_SCHEMA: Final = "public"
CODE_PATTERN: Final = re.compile(r"[a-z][a-z0-9]{1,29}")
# Schemas of the database, hosts of the site and rooms of the house: no agency may be called so.
RESERVED_CODES: Final = frozenset(
    {"public", "shared", "national", "template", "test", "demo", "postgres", "information"}
    | {"www", "admin", "api", "static", "media", "mail", "smtp", "ftp", "localhost", "status", "help", "docs"}
    | {"portal", "intake", "review", "register", "notifications", "tenants", "audit"}
    | {"authority", "agency", "applicant", "desk", "door", "clerk", "courier", "owner"}
)


def check_code(code: str) -> None:
    """An agency's code is its schema and its host. Raises ValidationError if it cannot serve as both."""
    if not CODE_PATTERN.fullmatch(code):
        raise ValidationError(_("机构代码须为 2 至 30 位小写字母或数字，以字母开头。"), code="code")
    if code in RESERVED_CODES:
        raise ValidationError(_("机构代码“%(code)s”为保留名称。"), code="reserved", params={"code": code})


class Agency(TenantMixin):
    """A first-review agency (注册初审机构) with its own schema, or the final-review authority.

    The authority is the public schema's own row: its staff hold their roles on it.
    """

    class Kind(models.TextChoices):
        PROVINCIAL = "provincial", _("省级注册机构")
        MINISTRY = "ministry", _("部门注册机构")
        ENTERPRISE = "enterprise", _("中央企业")
        AUTHORITY = "authority", _("终审机构")

    class Materials(models.TextChoices):
        PAPER = "paper", _("递交纸质材料")
        UPLOAD = "upload", _("上传电子材料")
        BOTH = "both", _("纸质和电子材料")

    auto_create_schema = False
    auto_drop_schema = False

    code = models.CharField(_("机构代码"), max_length=30, unique=True)
    number = models.PositiveSmallIntegerField(
        _("机构编号"),
        unique=True,
        validators=[MaxValueValidator(999)],
        help_text=_("三位数字，开通时确定，写入执业证编号，不再更改。"),
    )
    kind = models.CharField(_("机构类别"), max_length=12, choices=Kind.choices)
    name_zh = models.CharField(_("中文名称"), max_length=100)
    name_en = models.CharField(_("英文名称"), max_length=150, blank=True)
    phone = models.CharField(_("联系电话"), max_length=60, blank=True)
    address = models.CharField(_("办公地址"), max_length=200, blank=True)
    hours = models.CharField(_("办公时间"), max_length=200, blank=True)
    email = models.EmailField(_("电子邮箱"), blank=True)
    intake_open = models.BooleanField(_("受理申请"), default=True)
    # Why it takes none at present, as applicants read it.
    intake_note = models.CharField(_("暂停原因"), max_length=200, blank=True)
    review_clock_applies = models.BooleanField(_("适用初审法定时限"), default=True)
    materials_mode = models.CharField(
        _("材料方式"), max_length=6, choices=Materials.choices, default=Materials.PAPER
    )
    countersign = models.BooleanField(_("初审意见须复核"), default=False)
    # What stands above the agency's letters instead of its name, if anything.
    letter_head = models.CharField(_("文书抬头"), max_length=100, blank=True)
    retention_years = models.PositiveSmallIntegerField(
        _("案卷保存年限"), default=10, validators=[MinValueValidator(10), MaxValueValidator(100)]
    )
    opened_at = models.DateTimeField(_("开通时间"), default=timezone.now)
    # An agency that was merged into another one keeps its schema and its history, and takes nothing any more.
    merged_into = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="predecessors"
    )
    merged_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("注册机构")
        verbose_name_plural = _("注册机构")
        ordering: ClassVar = ["number"]
        default_permissions = ()
        # A role is an object permission on this row; its label stands in the rolebook.
        permissions = tuple((role.code, role.code) for role in ROLES)
        constraints = (
            models.CheckConstraint(
                condition=Q(schema_name=F("code"))
                | Q(code=AUTHORITY_CODE, schema_name=PUBLIC_SCHEMA, kind="authority"),
                name="agency_schema_is_its_code",
            ),
            models.CheckConstraint(condition=Q(number__lte=999), name="agency_number_three_digits"),
        )

    def __str__(self) -> str:
        return self.code

    @property
    def name(self) -> str:
        """The name in the reader's language."""
        english = (get_language() or "").startswith("en")
        return (self.name_en if english else "") or self.name_zh

    @property
    def is_authority(self) -> bool:
        return self.code == AUTHORITY_CODE

    @property
    def is_closed(self) -> bool:
        """Merged into another one, and its last open case is done: its desk is only read any more."""
        return self.merged_at is not None

    @property
    def living(self) -> Agency:
        """Who does this agency's work today: itself, or the one it was merged into."""
        return self.merged_into or self


class Domain(DomainMixin):
    """The host of an agency's desk. Only agencies have one; the other hosts come from the settings."""

    def __str__(self) -> str:
        return str(self.domain)


class UserManager(BaseUserManager["User"]):
    """Makes accounts. There is no superuser: nobody stands above the roles."""

    def create_staff(self, *, username: str, name: str, password: str | None = None, **fields: Any) -> User:
        """A staff account under its login name, kept by its `home` agency.

        Without a password nobody can sign in with it yet.
        """
        user = self.model(username=username, name=name, kind=User.Kind.STAFF, **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def new_applicant(self, *, name: str, **fields: Any) -> User:
        """An applicant's account, not yet stored: imports of the roster write many at once."""
        user = self.model(username=f"p-{uuid.uuid4()}", name=name, kind=User.Kind.APPLICANT, **fields)
        user.set_unusable_password()
        return user

    def create_applicant(self, *, name: str, **fields: Any) -> User:
        """An applicant's account with an unusable password: it is set once, after the identity check."""
        user = self.new_applicant(name=name, **fields)
        user.save(using=self._db)
        return user


class User(AbstractBaseUser, PermissionsMixin):
    """The only account. A reviewer who is also an applicant has two, linked only by the document digest.

    Contact data stand here: notices go to an account, not to a person.
    """

    class Kind(models.TextChoices):
        APPLICANT = "applicant", _("申请人")
        STAFF = "staff", _("工作人员")

    kind = models.CharField(_("账号类别"), max_length=9, choices=Kind.choices)
    # The login name of staff; applicants sign in by identity document, theirs is opaque.
    username = models.CharField(
        _("登录名"),
        max_length=60,
        unique=True,
        validators=[RegexValidator(r"^[a-z0-9][a-z0-9._-]*$", _("登录名只能使用小写字母、数字和 . _ -。"))],
    )
    name = models.CharField(_("姓名"), max_length=100)
    email = models.EmailField(_("电子邮箱"), blank=True)
    email_verified = models.BooleanField(_("邮箱已验证"), default=False)
    phone = models.CharField(_("手机号码"), max_length=30, blank=True)
    phone_verified = models.BooleanField(_("手机号码已验证"), default=False)
    landline = models.CharField(_("联系电话"), max_length=30, blank=True)
    address = models.CharField(_("通讯地址"), max_length=200, blank=True)
    postcode = models.CharField(_("邮政编码"), max_length=6, blank=True)
    # The agency that keeps a staff account: its managers invite, change and deactivate it.
    home = models.ForeignKey(
        Agency,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="staff",
        verbose_name=_("所属机构"),
    )
    # When a staff account's password was last set; it must be renewed from time to time (GB/T 22239).
    password_set_at = models.DateTimeField(null=True, blank=True)
    # Renewed with the second factor: a session that carries another one is void. Empty: no second factor yet.
    second_factor_mark = models.CharField(max_length=32, blank=True)
    # Staff may state employer and document, so that nobody reviews a colleague or himself.
    employer_code = models.CharField(_("统一社会信用代码"), max_length=18, blank=True)
    document_digest = models.CharField(max_length=64, blank=True)
    language = models.CharField(_("语言"), max_length=10, choices=settings.LANGUAGES, blank=True)
    is_active = models.BooleanField(_("启用"), default=True)
    date_joined = models.DateTimeField(_("开户时间"), default=timezone.now)

    USERNAME_FIELD = "username"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar = ["name", "kind"]

    objects: ClassVar[UserManager] = UserManager()

    class Meta:
        verbose_name = _("账号")
        verbose_name_plural = _("账号")
        default_permissions = ()
        constraints = (models.CheckConstraint(condition=Q(is_superuser=False), name="user_no_superuser"),)
        # The few accounts of staff among those of all applicants.
        indexes = (models.Index("name", condition=Q(kind="staff"), name="staff_by_name"),)

    def __str__(self) -> str:
        return self.username

    @property
    def display_name(self) -> str:
        return self.name or self.username

    @property
    def is_staff_member(self) -> bool:
        return self.kind == self.Kind.STAFF

    @property
    def is_applicant(self) -> bool:
        return self.kind == self.Kind.APPLICANT


class AgencyUserObjectPermission(UserObjectPermissionBase):
    """A role of one account on one agency. Written by `tenants.roles` only.

    guardian finds this model by its reverse name; hidden, the roles would go into the generic tables.
    """

    content_object = models.ForeignKey(Agency, on_delete=models.PROTECT)

    class Meta(UserObjectPermissionBase.Meta):
        pass


class AgencyGroupObjectPermission(GroupObjectPermissionBase):
    """Groups hold nothing here; without this model guardian would look in its generic tables."""

    content_object = models.ForeignKey(Agency, on_delete=models.PROTECT)

    class Meta(GroupObjectPermissionBase.Meta):
        pass


class RoleGrant(models.Model):
    """The record of a role given and taken back: who, which role, by whom, when."""

    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="role_grants")
    agency = models.ForeignKey(Agency, on_delete=models.PROTECT, related_name="role_grants")
    role = models.CharField(max_length=30)
    granted_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    granted_at = models.DateTimeField(default=timezone.now)
    revoked_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("授权记录")
        verbose_name_plural = _("授权记录")
        ordering: ClassVar = ["granted_at", "id"]
        constraints = (
            models.UniqueConstraint(
                "user", "agency", "role", condition=Q(revoked_at__isnull=True), name="role_granted_once"
            ),
        )

    def __str__(self) -> str:
        return f"{self.user_id} {self.role} {self.agency_id}"


class AccessRecord(models.Model):
    """Who looked at which full document number, why and when. Rows are added, never changed.

    The person is named by key only: this room knows no people.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    agency = models.ForeignKey(Agency, null=True, on_delete=models.PROTECT, related_name="+")
    person_id = models.UUIDField()
    case_id = models.UUIDField(null=True)
    reason = models.CharField(max_length=200)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("查看记录")
        verbose_name_plural = _("查看记录")
        ordering: ClassVar = ["at"]
        indexes = (
            models.Index("person_id", "at", name="access_by_person"),
            models.Index("at", "id", name="access_by_time"),
        )

    def __str__(self) -> str:
        return f"{self.user_id} {self.person_id} {self.at}"


class Authenticator(TOTPDevice):
    """The authenticator app of a staff member: the second factor (GB/T 22239).

    Its key stands sealed, so that a copy of the table opens nothing.
    """

    class Meta:
        proxy = True
        default_permissions = ()

    @staticmethod
    def sealed(key: bytes) -> str:
        """A key as it is stored; it fits the column exactly as long as keys have 20 bytes."""
        return b85encode(encrypt(b85encode(key).decode())).decode()

    @property
    def bin_key(self) -> bytes:
        return b85decode(decrypt(b85decode(self.key)))

    def shows(self, code: str) -> bool:
        """Whether the app shows this code now, or did a moment ago; nothing is used up by asking."""
        return code.isdigit() and bool(self._app().verify(int(code), self.tolerance, self.last_t + 1))

    def next_code(self) -> str:
        """The code that will be taken next: what the app shows now, or the one after if that is used up."""
        code = hotp(self.bin_key, max(self._app().t(), self.last_t + 1), digits=self.digits)
        return f"{code:0{self.digits}d}"

    def _app(self) -> TOTP:
        return TOTP(self.bin_key, self.step, self.t0, self.digits, self.drift)


class FormerPassword(models.Model):
    """The hash of a password that a staff account has used, so that it is not used again soon."""

    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="former_passwords")
    hash = models.CharField(max_length=200)
    set_at = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["-set_at", "-id"]

    def __str__(self) -> str:
        return f"{self.user_id} {self.set_at}"


class Absence(models.Model):
    """A leave, during which a deputy may handle the cases of the absent colleague (代理)."""

    agency = models.ForeignKey(Agency, on_delete=models.PROTECT, related_name="absences")
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="absences")
    deputy = models.ForeignKey(User, on_delete=models.PROTECT, related_name="deputyships")
    since = models.DateField(_("开始日期"))
    until = models.DateField(_("结束日期"))
    entered_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    entered_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("代理记录")
        verbose_name_plural = _("代理记录")
        ordering: ClassVar = ["-since", "-id"]
        constraints = (
            models.CheckConstraint(condition=Q(until__gte=F("since")), name="absence_period"),
            models.CheckConstraint(condition=~Q(user=F("deputy")), name="absence_other_deputy"),
        )

    def __str__(self) -> str:
        return f"{self.user_id} → {self.deputy_id} {self.since}–{self.until}"


class CounterCode(models.Model):
    """A one-time code by which an applicant without e-mail sets a new password (柜台重置).

    An officer issues it after checking the identity document at the counter; by policy a second one
    approves it. Only the hash of the code is kept. The person is named by key only.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    agency = models.ForeignKey(Agency, on_delete=models.PROTECT, related_name="+")
    person_id = models.UUIDField()
    # Shown to the second officer and in the record; the number itself is never kept here.
    name = models.CharField(_("姓名"), max_length=100)
    document_mask = models.CharField(_("证件号码"), max_length=40)
    reason = models.CharField(_("事由"), max_length=200)
    issued_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    issued_at = models.DateTimeField(_("签发时间"))
    approved_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    approved_at = models.DateTimeField(null=True)
    # Empty until the second officer has approved, where the policy asks for two.
    code_hash = models.CharField(max_length=200, blank=True)
    expires_at = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    used_at = models.DateTimeField(null=True)
    cancelled_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("重置码")
        verbose_name_plural = _("重置码")
        ordering: ClassVar = ["-issued_at"]
        indexes = (models.Index("person_id", "issued_at", name="counter_code_of_person"),)

    def __str__(self) -> str:
        return f"{self.document_mask} {self.issued_at}"


class SettingChange(models.Model):
    """Who changed which setting of an agency, from what to what, and when. Rows are added, never changed."""

    agency = models.ForeignKey(Agency, on_delete=models.PROTECT, related_name="setting_changes")
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    field = models.CharField(max_length=40)
    before = models.CharField(max_length=500, blank=True)
    after = models.CharField(max_length=500, blank=True)
    at = models.DateTimeField()

    class Meta:
        verbose_name = _("设置变更记录")
        verbose_name_plural = _("设置变更记录")
        ordering: ClassVar = ["-at", "-id"]

    def __str__(self) -> str:
        return f"{self.agency_id} {self.field}"


class SavedView(models.Model):
    """A queue's tab and filters under a name, of one officer at one desk, or shared with the desk."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    agency = models.ForeignKey(Agency, on_delete=models.PROTECT, related_name="+")
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="saved_views")
    name = models.CharField(_("名称"), max_length=40)
    # What stands behind the question mark of the queue's address.
    query = models.CharField(max_length=1000)
    shared = models.BooleanField(_("与本机构同事共用"), default=False)
    created_at = models.DateTimeField()

    class Meta:
        verbose_name = _("常用视图")
        verbose_name_plural = _("常用视图")
        ordering: ClassVar = ["name", "created_at"]
        constraints = (models.UniqueConstraint("agency", "user", "name", name="saved_view_name"),)

    def __str__(self) -> str:
        return self.name


class PreparedFile(models.Model):
    """A file that a task writes for an officer: an export, many prints, an archive. Cleared when it is old.

    It stands in the database, behind the walls, and not in a folder that every process can read.
    """

    class Kind(models.TextChoices):
        EXPORT = "export", _("导出")
        PRINTS = "prints", _("批量打印")
        ARCHIVE = "archive", _("电子卷宗")
        CHECK = "check", _("校验")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    agency = models.ForeignKey(Agency, on_delete=models.PROTECT, related_name="+")
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    # What was asked for, in plain values: the view, the format, the ids.
    wish = models.JSONField(default=dict)
    # With full document numbers, and why.
    full = models.BooleanField(default=False)
    reason = models.CharField(_("事由"), max_length=200, blank=True)
    asked_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    # How often a worker has begun: an order that kills its workers is not begun for ever.
    starts = models.PositiveSmallIntegerField(default=0)
    done = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(default=0)
    # What went wrong, in words for the officer.
    fault = models.CharField(max_length=300, blank=True)
    name = models.CharField(max_length=150, blank=True)
    content_type = models.CharField(max_length=100, blank=True)
    data = models.BinaryField(null=True)
    expires_at = models.DateTimeField()

    class Meta:
        verbose_name = _("生成的文件")
        verbose_name_plural = _("生成的文件")
        ordering: ClassVar = ["-asked_at"]
        indexes = (models.Index("agency", "user", "asked_at", name="prepared_by_user"),)

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


class AgencyJob(models.Model):
    """Work on an agency that only the owner of the database may do: opening one, merging one into another.

    A page writes the row; one worker with the owner's login does the work step by step, and may be killed at
    any of them: the next one goes on where the row says.
    """

    class Kind(models.TextChoices):
        OPENING = "opening", _("开通机构")
        MERGER = "merger", _("并入机构")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    # What was asked for, in plain values: code, names, contact data, the first manager.
    wish = models.JSONField(default=dict)
    agency = models.ForeignKey(Agency, null=True, blank=True, on_delete=models.PROTECT, related_name="jobs")
    asked_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    asked_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    seen_at = models.DateTimeField(null=True)
    starts = models.PositiveSmallIntegerField(default=0)
    step = models.CharField(max_length=20, blank=True)
    done = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(default=0)
    fault = models.CharField(max_length=300, blank=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("机构任务")
        verbose_name_plural = _("机构任务")
        ordering: ClassVar = ["-asked_at"]

    def __str__(self) -> str:
        return f"{self.kind} {self.wish.get('code', '')}"


class SchemaHealth(models.Model):
    """How an agency's schema was found when it was last looked at: written by tasks, read by the overview.

    There is a row for every schema of the database that belongs to an agency or looks like one, so that a
    schema without an agency shows as well.
    """

    schema = models.CharField(_("数据架构"), max_length=63, primary_key=True)
    agency = models.OneToOneField(
        Agency, null=True, blank=True, on_delete=models.PROTECT, related_name="health"
    )
    # False: the agency's row is there and its schema is not.
    exists = models.BooleanField(default=True)
    # The last migration of the agencies' own app, and how many are still to be done.
    version = models.CharField(_("数据架构版本"), max_length=120, blank=True)
    behind = models.PositiveSmallIntegerField(default=0)
    # Differences from the table of walls, and from what the other agencies' schemas look like.
    faults = models.JSONField(default=list, blank=True)
    checked_at = models.DateTimeField(_("检查时间"))
    # Where docket and case files disagree; empty until they were compared.
    differences = models.PositiveIntegerField(null=True, blank=True)
    compared_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("数据架构状况")
        verbose_name_plural = _("数据架构状况")
        ordering: ClassVar = ["schema"]

    def __str__(self) -> str:
        return self.schema


class Session(AbstractBaseSession):
    """A session, and beside what it holds whose it is and at which desk.

    So its owner may see and end it, and no other desk's role reads it.
    """

    account = models.ForeignKey(User, null=True, on_delete=models.CASCADE, related_name="+")
    desk = models.CharField(max_length=40, blank=True)

    class Meta:
        verbose_name = _("登录")
        verbose_name_plural = _("登录")

    @classmethod
    def get_session_store_class(cls) -> type[SessionBase]:
        store: type[SessionBase] = import_module(settings.SESSION_ENGINE).SessionStore
        return store
