"""The national books: people, qualifications, registrations, the docket, and the law's dated numbers.

Public schema. Intake reads them, review writes them through `register.issuing` and `review.docket`.
"""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.conf import settings
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Collate, Right, Upper
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from register.letters import Letters


class Kind(models.TextChoices):
    """The four kinds of application (注册种类)."""

    INITIAL = "initial", _("初始注册")
    CHANGE = "change", _("变更注册")
    RENEWAL = "renewal", _("延续注册")
    REREGISTRATION = "reregister", _("重新注册")

    @property
    def digit(self) -> str:
        """The digit of this kind inside an application number."""
        return str(list(Kind).index(self) + 1)


class DocumentType(models.TextChoices):
    """Identity documents with which a person may sign in (证件类型)."""

    RESIDENT_ID = "01", _("居民身份证")
    OFFICER = "02", _("军官证")
    PASSPORT = "03", _("护照")
    HK_MACAO_TRAVEL = "04", _("港澳居民来往内地通行证")
    TAIWAN_TRAVEL = "05", _("台湾居民来往大陆通行证")
    HK_MACAO_RESIDENCE = "06", _("港澳居民居住证")
    TAIWAN_RESIDENCE = "07", _("台湾居民居住证")
    FOREIGN_RESIDENT = "08", _("外国人永久居留身份证")
    OTHER = "99", _("其他")


class Sex(models.TextChoices):
    """GB/T 2261.1."""

    UNKNOWN = "0", _("未知")
    MALE = "1", _("男")
    FEMALE = "2", _("女")
    UNSTATED = "9", _("未说明")


class Person(models.Model):
    """Whoever holds the qualification. The full document number stands only in `document_cipher`."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="person", verbose_name=_("账号")
    )
    name = models.CharField(_("姓名"), max_length=100)
    sex = models.CharField(_("性别"), max_length=1, choices=Sex.choices, default=Sex.UNKNOWN)
    birth_date = models.DateField(_("出生日期"), null=True, blank=True)
    document_type = models.CharField(_("证件类型"), max_length=2, choices=DocumentType.choices)
    document_mask = models.CharField(_("证件号码"), max_length=40)
    document_digest = models.CharField(max_length=64, unique=True)
    document_cipher = models.BinaryField()
    photo = models.ForeignKey(
        "Photo", null=True, blank=True, on_delete=models.PROTECT, related_name="+", verbose_name=_("照片")
    )
    # Contact data and education as last granted: B fields of the form by name.
    personal = models.JSONField(default=dict, blank=True)
    merged_into = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="merged"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("人员")
        verbose_name_plural = _("人员")
        indexes = (
            # A list of people runs by name; a part of a name is found by its letters.
            models.Index(Collate(Upper("name"), "C"), F("id"), name="person_by_name"),
            GinIndex(Letters("name"), name="person_by_letters"),
        )

    def __str__(self) -> str:
        return f"{self.name} {self.document_mask}"


class Photo(models.Model):
    """A re-encoded portrait: JPEG, 295×413 px, without metadata. Never changed once stored."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="photos")
    sha256 = models.CharField(max_length=64)
    data = models.BinaryField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = (models.UniqueConstraint("person", "sha256", name="photo_once_per_person"),)

    def __str__(self) -> str:
        return self.sha256[:12]


class FormerNumber(models.Model):
    """A document number the person carried before: it still finds the person."""

    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="former_numbers")
    document_digest = models.CharField(max_length=64, unique=True)
    document_mask = models.CharField(max_length=40)
    until = models.DateField()

    def __str__(self) -> str:
        return self.document_mask


class PersonChange(models.Model):
    """A correction of a name or document number, or a merging of two records, made on proof. Never changed.

    Numbers stand here masked only.
    """

    class What(models.TextChoices):
        NAME = "name", _("更正姓名")
        DOCUMENT = "document", _("更正证件号码")
        ENTRY = "entry", _("更正登记错误的证件号码")
        MERGER = "merger", _("合并重复人员")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="changes")
    what = models.CharField(_("事项"), max_length=10, choices=What.choices)
    before = models.CharField(max_length=160)
    after = models.CharField(max_length=160)
    reason = models.CharField(_("事由"), max_length=500)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    # What was shown for it: a picture or PDF, re-encoded or sanitised.
    proof_name = models.CharField(max_length=150, blank=True)
    proof_type = models.CharField(max_length=60, blank=True)
    proof_sha256 = models.CharField(max_length=64, blank=True)
    proof = models.BinaryField(null=True)

    class Meta:
        verbose_name = _("人员信息更正")
        verbose_name_plural = _("人员信息更正")
        ordering: ClassVar = ["-at"]

    def __str__(self) -> str:
        return f"{self.person_id} {self.what}"


class Qualification(models.Model):
    """An exam result in the national roster (资格证书)."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="qualifications")
    certificate_number = models.CharField(_("资格证书编号"), max_length=24, unique=True)
    management_number = models.CharField(_("管理号"), max_length=24, blank=True)
    exam_year = models.PositiveSmallIntegerField(_("考试年度"))
    issued_on = models.DateField(_("发证日期"))
    issuer = models.CharField(_("发证机关"), max_length=100, blank=True)
    category = models.CharField(_("专业类别"), max_length=4, blank=True)
    level = models.CharField(_("级别"), max_length=1, default="2")

    class Meta:
        verbose_name = _("资格证书")
        verbose_name_plural = _("资格证书")

    def __str__(self) -> str:
        return self.certificate_number


class Registration(models.Model):
    """One granted period of a registration. A later grant supersedes it; a row is never rewritten.

    Whether it is valid follows from the dates and `ended_how`: no job has to run on the day it expires.
    """

    class End(models.TextChoices):
        CANCELLED = "cancelled", _("注销")
        REVOKED = "revoked", _("撤销")
        WITHDRAWN = "withdrawn", _("吊销")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="registrations")
    number = models.CharField(_("执业证编号"), max_length=11, db_index=True)
    kind = models.CharField(_("注册种类"), max_length=12, choices=Kind.choices)
    category = models.CharField(_("注册类别"), max_length=4)
    agency = models.ForeignKey(
        settings.TENANT_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="registrations"
    )
    employer_name = models.CharField(_("聘用单位"), max_length=200)
    employer_code = models.CharField(_("统一社会信用代码"), max_length=18, blank=True)
    first_registered_on = models.DateField(_("首次注册日期"))
    valid_from = models.DateField(_("有效期起"))
    valid_to = models.DateField(_("有效期止"))
    ended_how = models.CharField(max_length=12, choices=End.choices, blank=True)
    ended_on = models.DateField(null=True, blank=True)
    end_reason = models.CharField(max_length=500, blank=True)
    # By which rule it was ended, and who entered that (`register.endings`).
    end_ground = models.CharField(max_length=20, blank=True)
    ended_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    case_id = models.UUIDField(null=True, blank=True, unique=True)
    supersedes = models.OneToOneField(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="superseded_by"
    )
    granted_on = models.DateField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("注册")
        verbose_name_plural = _("注册")
        ordering: ClassVar = ["valid_from", "created_at"]
        constraints = (
            models.CheckConstraint(condition=Q(valid_to__gte=F("valid_from")), name="registration_period"),
            models.CheckConstraint(
                condition=Q(ended_how="", ended_on__isnull=True)
                | (~Q(ended_how="") & Q(ended_on__isnull=False)),
                name="registration_end_dated",
            ),
            # Renewals and changes carry the number on; only the first grant of a chain brings one.
            models.UniqueConstraint(
                "number", condition=Q(supersedes__isnull=True), name="registration_number_once_per_chain"
            ),
        )

    def __str__(self) -> str:
        return self.number


class Certificate(models.Model):
    """A signed registration certificate (执业证). A reissue is a new edition, the one before is void then.

    Whether the registration it names is still in force follows from the register, not from this row.
    """

    class Occasion(models.TextChoices):
        GRANT = "grant", _("首次制发")
        REISSUE = "reissue", _("补发")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    registration = models.ForeignKey(Registration, on_delete=models.PROTECT, related_name="certificates")
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="certificates")
    edition = models.PositiveSmallIntegerField(_("版次"))
    occasion = models.CharField(_("制发事由"), max_length=10, choices=Occasion.choices)
    # Whoever has the code may ask how the registration stands today; it cannot be guessed or counted on.
    code = models.CharField(_("验证码"), max_length=32, unique=True)
    reason = models.CharField(_("事由"), max_length=300, blank=True)
    issued_on = models.DateField(_("制发日期"))
    issued_at = models.DateTimeField()
    issued_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    void_at = models.DateTimeField(null=True)
    sha256 = models.CharField(max_length=64)
    data = models.BinaryField()

    class Meta:
        verbose_name = _("执业证")
        verbose_name_plural = _("执业证")
        ordering: ClassVar = ["registration", "edition"]
        constraints = (
            models.UniqueConstraint("registration", "edition", name="certificate_edition_once"),
            models.UniqueConstraint(
                "registration", condition=Q(void_at__isnull=True), name="one_certificate_in_use"
            ),
        )

    def __str__(self) -> str:
        return f"{self.registration_id} {self.edition}"


class NumberSeries(models.Model):
    """The last serial given in certificate numbers of one agency and year. Locked while a number is drawn."""

    agency = models.ForeignKey(settings.TENANT_MODEL, on_delete=models.PROTECT, related_name="+")
    year = models.PositiveSmallIntegerField()
    last = models.PositiveIntegerField()

    class Meta:
        constraints = (models.UniqueConstraint("agency", "year", name="number_series_once_per_year"),)

    def __str__(self) -> str:
        return f"{self.agency_id} {self.year}: {self.last}"


class DocketEntry(models.Model):
    """One public line per lodged application: where it is, in which state, due when (登记簿).

    A projection of the case, written in the same transaction by `review.docket`; `rebuild_docket`
    proves and rebuilds it.
    """

    case_id = models.UUIDField(primary_key=True)
    reference = models.CharField(_("申请编号"), max_length=20, unique=True)
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="docket")
    agency = models.ForeignKey(settings.TENANT_MODEL, on_delete=models.PROTECT, related_name="docket")
    kind = models.CharField(_("注册种类"), max_length=12, choices=Kind.choices)
    category = models.CharField(_("注册类别"), max_length=4, blank=True)
    applicant_name = models.CharField(_("姓名"), max_length=100)
    employer_name = models.CharField(_("聘用单位"), max_length=200)
    state = models.CharField(max_length=20)
    open = models.BooleanField()
    lodged_on = models.DateField()
    due_on = models.DateField(null=True)
    due_provisional = models.BooleanField(default=False)
    clock = models.CharField(max_length=1, blank=True)
    officer = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name=_("经办人"),
    )
    dispatch_number = models.CharField(max_length=40, blank=True)
    # How the case fared, for oversight: when reported and decided, the opinions, how often it went back.
    reported_on = models.DateField(null=True)
    decided_on = models.DateField(null=True)
    first_verdict = models.CharField(max_length=4, blank=True)
    final_verdict = models.CharField(max_length=4, blank=True)
    corrections = models.PositiveSmallIntegerField(default=0)
    remands = models.PositiveSmallIntegerField(default=0)
    # The agency has found false material and proposes that its applicant may not apply for some time.
    false_material = models.BooleanField(default=False)
    awaits_signature = models.BooleanField(default=False)
    chain_length = models.PositiveIntegerField()
    chain_head = models.CharField(max_length=64)
    updated_at = models.DateTimeField()

    class Meta:
        verbose_name = _("登记簿")
        verbose_name_plural = _("登记簿")
        constraints = (
            models.UniqueConstraint("person", condition=Q(open=True), name="one_open_docket_line_per_person"),
        )
        indexes = (
            models.Index("state", "due_on", "case_id", name="docket_by_due"),
            models.Index("agency", "state", "due_on", name="docket_by_agency"),
            models.Index("lodged_on", condition=Q(false_material=True), name="docket_of_proposals"),
            # What filters ask of the open lines stands beside them: they are counted without being read.
            models.Index(
                fields=("due_on", "case_id"),
                include=(
                    *("state", "officer", "agency", "kind", "category", "clock", "awaits_signature"),
                    *("lodged_on", "reported_on", "corrections", "remands"),
                ),
                condition=Q(open=True),
                name="docket_open_by_due",
            ),
            models.Index("due_on", condition=Q(due_on__isnull=False), name="docket_with_due"),
            models.Index(
                fields=("updated_at", "case_id"),
                include=("state", "open", "officer", "agency", "kind", "category", "clock", "due_on"),
                name="docket_by_since",
            ),
            models.Index(
                fields=("agency", "updated_at", "case_id"), include=("state",), name="docket_by_agency_since"
            ),
            # How cases fared in a span of days: oversight, and the lists behind its figures.
            models.Index(
                fields=("lodged_on",),
                include=("agency", "state", "open", "corrections"),
                name="docket_by_lodged",
            ),
            models.Index(
                fields=("reported_on",),
                include=("agency", "state", "open", "remands"),
                condition=Q(reported_on__isnull=False),
                name="docket_by_reported",
            ),
            models.Index(
                fields=("decided_on",),
                include=("agency", "state", "open", "first_verdict", "final_verdict"),
                condition=Q(decided_on__isnull=False),
                name="docket_by_decided",
            ),
            models.Index("officer", "state", name="docket_by_officer"),
            models.Index("due_on", "case_id", condition=Q(awaits_signature=True), name="docket_to_sign"),
            # The dispatches, latest first: their numbers end with the day and the day's number.
            models.Index(
                Right("dispatch_number", 12),
                "dispatch_number",
                condition=~Q(dispatch_number=""),
                name="docket_by_dispatch",
            ),
            models.Index(
                fields=("dispatch_number",), opclasses=("varchar_pattern_ops",), name="docket_of_dispatch"
            ),
            GinIndex(Letters("applicant_name"), Letters("employer_name"), name="docket_by_letters"),
            GinIndex(
                Letters("applicant_name"),
                Letters("employer_name"),
                condition=Q(open=True),
                name="docket_open_by_letters",
            ),
        )

    def __str__(self) -> str:
        return self.reference


class DocketCount(models.Model):
    """How the number of docket lines of an agency in a state has changed; the sum is the number.

    Each movement adds rows, a sweep folds them: nobody waits for anybody else's counter.
    """

    agency = models.ForeignKey(settings.TENANT_MODEL, on_delete=models.PROTECT, related_name="+")
    state = models.CharField(max_length=20)
    change = models.IntegerField()

    class Meta:
        indexes = (models.Index("state", "agency", name="docket_count_by_state"),)

    def __str__(self) -> str:
        return f"{self.agency_id} {self.state} {self.change:+d}"


class Policy(models.Model):
    """One dated value of the law's numbers (政策参数). Later dates override, nothing is rewritten."""

    key = models.CharField(max_length=40)
    value = models.JSONField()
    valid_from = models.DateField()
    source = models.CharField(max_length=200)
    created_at = models.DateTimeField(auto_now_add=True)
    entered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    # A value that is not in force yet may be taken back; it counts for nothing then.
    withdrawn_at = models.DateTimeField(null=True)
    withdrawn_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        verbose_name = _("政策参数")
        verbose_name_plural = _("政策参数")
        constraints = (
            models.UniqueConstraint(
                "key", "valid_from", condition=Q(withdrawn_at__isnull=True), name="policy_once_per_day"
            ),
        )

    def __str__(self) -> str:
        return f"{self.key} {self.valid_from}"


class Holiday(models.Model):
    """A day that departs from the known calendar: a day off, or a make-up working day (调休)."""

    day = models.DateField(primary_key=True)
    working = models.BooleanField()
    name = models.CharField(max_length=60)

    class Meta:
        verbose_name = _("节假日")
        verbose_name_plural = _("节假日")

    def __str__(self) -> str:
        return f"{self.day} {self.name}"


class Code(models.Model):
    """One entry of a dated code list (代码表). Records store the code, screens show the label."""

    list = models.CharField(max_length=30)
    code = models.CharField(max_length=10)
    label_zh = models.CharField(max_length=100)
    label_en = models.CharField(max_length=150)
    order = models.PositiveSmallIntegerField(default=0)
    valid_from = models.DateField(null=True, blank=True)
    valid_to = models.DateField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["list", "order", "code"]
        constraints = (models.UniqueConstraint("list", "code", name="code_once_per_list"),)

    def __str__(self) -> str:
        return self.label

    @property
    def label(self) -> str:
        return self.label_en if (get_language() or "").startswith("en") else self.label_zh


class Restriction(models.Model):
    """A period in which a person may not apply again (限制申请期)."""

    class Ground(models.TextChoices):
        FALSE_MATERIAL = "false", _("隐瞒情况或者提供虚假材料")
        CHEATING = "cheating", _("以欺骗、贿赂等不正当手段取得注册")
        PENALTY = "penalty", _("违法执业受到处罚")
        OTHER = "other", _("其他")

    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="restrictions")
    ground = models.CharField(_("限制事由"), max_length=10, choices=Ground.choices, default=Ground.OTHER)
    reason = models.CharField(_("说明"), max_length=300)
    since = models.DateField(_("开始日期"))
    until = models.DateField(_("结束日期"))
    # The case in which the agency proposed it, if any.
    case_id = models.UUIDField(null=True, blank=True)
    entered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    # Lifted before its time, on this day: from then on it stands against nothing.
    lifted_on = models.DateField(null=True)
    lifted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    lift_reason = models.CharField(max_length=300, blank=True)

    def __str__(self) -> str:
        return f"{self.since}–{self.until}"


class TrainingHours(models.Model):
    """Continuing education of a person as an agency has imported it (继续教育学时)."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="training")
    agency = models.ForeignKey(settings.TENANT_MODEL, on_delete=models.PROTECT, related_name="+")
    institution = models.CharField(_("培训机构"), max_length=200)
    course = models.CharField(_("培训内容"), max_length=200, blank=True)
    # 公共课程 or 专业课程, by the code list `course_class`.
    course_class = models.CharField(_("课程类别"), max_length=1, blank=True)
    begun_on = models.DateField(_("开始日期"))
    ended_on = models.DateField(_("结束日期"))
    hours = models.DecimalField(_("学时"), max_digits=4, decimal_places=1)
    certificate_number = models.CharField(_("证书编号"), max_length=60)
    imported_at = models.DateTimeField(auto_now_add=True)
    # Whoever of the agency's staff brought the list in; unknown for what was entered before this was kept.
    imported_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        verbose_name = _("继续教育学时")
        verbose_name_plural = _("继续教育学时")
        ordering: ClassVar = ["begun_on", "certificate_number"]
        constraints = (
            models.UniqueConstraint("person", "agency", "certificate_number", name="training_once"),
            models.CheckConstraint(condition=Q(ended_on__gte=F("begun_on")), name="training_period"),
            models.CheckConstraint(condition=Q(hours__gt=0), name="training_hours_positive"),
        )

    def __str__(self) -> str:
        return f"{self.certificate_number} {self.hours}"


class Batch(models.Model):
    """An announcement batch (公告批次): public once it is published."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    number = models.CharField(_("批次"), max_length=20, unique=True)
    title = models.CharField(_("标题"), max_length=200)
    published_on = models.DateField(_("公告日期"), null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    published_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        verbose_name = _("公告批次")
        verbose_name_plural = _("公告批次")
        ordering: ClassVar = ["-published_on", "-number"]

    def __str__(self) -> str:
        return self.number


class BatchLine(models.Model):
    """One registered person in an announcement, with what was announced on that day; no document number."""

    batch = models.ForeignKey(Batch, on_delete=models.PROTECT, related_name="lines")
    registration = models.ForeignKey(Registration, on_delete=models.PROTECT, related_name="+")
    name = models.CharField(_("姓名"), max_length=100)
    number = models.CharField(_("执业证编号"), max_length=11)
    kind = models.CharField(_("注册种类"), max_length=12, choices=Kind.choices)
    category = models.CharField(_("注册类别"), max_length=4)
    employer_name = models.CharField(_("聘用单位"), max_length=200)
    agency = models.ForeignKey(
        settings.TENANT_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        ordering: ClassVar = ["number"]
        constraints = (models.UniqueConstraint("registration", name="announced_once"),)

    def __str__(self) -> str:
        return f"{self.number} {self.name}"


class Appeal(models.Model):
    """Somebody whose exam record was not found asks the registrar to look again (考试信息申诉).

    There is no account yet, so the appellant asks after the answer with the appeal's number and the document.
    """

    class Outcome(models.TextChoices):
        UPHELD = "upheld", _("已补录")
        DISMISSED = "dismissed", _("未予采纳")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    reference = models.CharField(_("申诉编号"), max_length=20, unique=True)
    name = models.CharField(_("姓名"), max_length=100)
    document_type = models.CharField(_("证件类型"), max_length=2, choices=DocumentType.choices)
    document_mask = models.CharField(_("证件号码"), max_length=40)
    document_digest = models.CharField(max_length=64)
    document_cipher = models.BinaryField()
    certificate_number = models.CharField(_("资格证书编号"), max_length=24)
    exam_year = models.PositiveSmallIntegerField(_("考试年度"))
    exam_place = models.CharField(_("报考省份"), max_length=60, blank=True)
    phone = models.CharField(_("联系电话"), max_length=30)
    email = models.EmailField(_("电子邮箱"), blank=True)
    statement = models.CharField(_("情况说明"), max_length=1000, blank=True)
    lodged_at = models.DateTimeField()
    outcome = models.CharField(max_length=10, choices=Outcome.choices, blank=True)
    answer = models.CharField(max_length=1000, blank=True)
    answered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    answered_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("考试信息申诉")
        verbose_name_plural = _("考试信息申诉")
        ordering: ClassVar = ["lodged_at"]
        constraints = (
            # Whoever merely guesses a document's number keeps nobody from appealing with it.
            models.UniqueConstraint(
                "document_digest",
                "certificate_number",
                "name",
                condition=Q(outcome=""),
                name="one_open_appeal_per_claim",
            ),
            models.CheckConstraint(
                condition=Q(outcome="", answered_at__isnull=True)
                | (~Q(outcome="") & Q(answered_at__isnull=False, answered_by__isnull=False)),
                name="appeal_answer_signed",
            ),
        )

    def __str__(self) -> str:
        return self.reference


class AppealProof(models.Model):
    """A picture or PDF handed in with an appeal, re-encoded or sanitised."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    appeal = models.ForeignKey(Appeal, on_delete=models.PROTECT, related_name="proofs")
    name = models.CharField(max_length=150)
    content_type = models.CharField(max_length=60)
    sha256 = models.CharField(max_length=64)
    data = models.BinaryField()

    def __str__(self) -> str:
        return self.name


class RosterJob(models.Model):
    """A roster on its way into the register: uploaded, looked through, decided on, written (名册导入任务).

    The row is the order, the worker's progress and the record of what came of it. The file is sealed,
    because full document numbers stand in it, and goes with its errors when the job is old.
    """

    class Stage(models.TextChoices):
        CHECKING = "checking", _("正在检查")
        CHECKED = "checked", _("等待确认")
        WRITING = "writing", _("正在写入")
        DONE = "done", _("已完成")
        CANCELLED = "cancelled", _("已取消")
        FAILED = "failed", _("未能完成")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    what = models.CharField(max_length=20)
    stage = models.CharField(max_length=10, choices=Stage.choices, default=Stage.CHECKING)
    name = models.CharField(max_length=150)
    sha256 = models.CharField(max_length=64)
    data = models.BinaryField(null=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    asked_at = models.DateTimeField()
    decided_at = models.DateTimeField(null=True)
    skip_bad_rows = models.BooleanField(default=False)
    started_at = models.DateTimeField(null=True)
    # The worker's last sign of life, and how often a worker has begun.
    seen_at = models.DateTimeField(null=True)
    starts = models.PositiveSmallIntegerField(default=0)
    cancel_asked = models.BooleanField(default=False)
    done = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(default=0)
    # Counts, columns and the first rows with masked numbers: what the officer sees before deciding.
    findings = models.JSONField(default=dict)
    result = models.JSONField(default=dict)
    # The faulty lines with what is wrong, as a table to be mended; sealed like the file.
    errors = models.BinaryField(null=True)
    fault = models.CharField(max_length=300, blank=True)
    finished_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField()

    class Meta:
        verbose_name = _("名册导入任务")
        verbose_name_plural = _("名册导入任务")
        ordering: ClassVar = ["-asked_at"]

    def __str__(self) -> str:
        return f"{self.what} {self.name}"


class ReminderRun(models.Model):
    """One day's round of a book of reminders: how far it has come, and what it posted.

    The row is locked while a chunk is worked on, so that two rounds never work side by side.
    """

    book = models.CharField(max_length=20)
    day = models.DateField()
    # The last person looked at; the next chunk begins behind.
    reached = models.UUIDField(null=True)
    posted = models.PositiveIntegerField(default=0)
    done_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (models.UniqueConstraint("book", "day", name="reminder_run_once_a_day"),)

    def __str__(self) -> str:
        return f"{self.book} {self.day}"
