"""The agency's case file. These tables stand in every agency's own schema and only there.

Foreign keys to public tables carry no constraint: a schema must be readable on its own elsewhere.
"""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.conf import settings
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from register.letters import Letters
from register.models import Kind
from review.states import OPEN, Clock, State


class Dispatch(models.Model):
    """A batch of cases sent to the authority with its summary list (报送批次)."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    number = models.CharField(_("报送批次"), max_length=40, unique=True)
    sent_by_id = models.BigIntegerField()
    sent_by_name = models.CharField(max_length=100)
    sent_at = models.DateTimeField()

    class Meta:
        verbose_name = _("报送批次")
        ordering: ClassVar = ["-sent_at"]

    def __str__(self) -> str:
        return self.number


class Case(models.Model):
    """The agency's file about one application (案卷). Its id is the application's id.

    `state` is written in two places only: `casework.lodge_case` creates it, `workflow.move` changes it.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    reference = models.CharField(_("申请编号"), max_length=20, unique=True)
    kind = models.CharField(_("注册种类"), max_length=12, choices=Kind.choices)
    late = models.BooleanField(_("逾期初始注册"), default=False)
    state = models.CharField(_("状态"), max_length=20, choices=State.choices)
    state_since = models.DateTimeField()
    # The state to which an answered correction or a withdrawn opinion returns.
    resume_state = models.CharField(max_length=20, blank=True)
    person = models.ForeignKey(
        "register.Person", on_delete=models.DO_NOTHING, db_constraint=False, related_name="+"
    )
    applicant_name = models.CharField(_("姓名"), max_length=100)
    document_mask = models.CharField(_("证件号码"), max_length=40)
    document_digest = models.CharField(max_length=64, db_index=True)
    category = models.CharField(_("注册类别"), max_length=4, blank=True)
    employer_name = models.CharField(_("聘用单位"), max_length=200)
    employer_code = models.CharField(_("统一社会信用代码"), max_length=18)
    version = models.PositiveSmallIntegerField(_("材料版本"), default=1)
    assignee = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        related_name="+",
        verbose_name=_("经办人"),
    )
    officer = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        related_name="+",
        verbose_name=_("终审经办人"),
    )
    # The law's numbers as they stood when the application was lodged.
    policy = models.JSONField()
    lodged_at = models.DateTimeField(_("上报时间"))
    # The day from which the running clock counts; the event's own day is not counted.
    clock = models.CharField(max_length=1, choices=Clock.choices, blank=True)
    clock_from = models.DateField(null=True)
    # How many working days it gives, extensions included: the deadline can be counted anew from both.
    clock_days = models.PositiveSmallIntegerField(null=True)
    due_on = models.DateField(_("办理期限"), null=True)
    due_provisional = models.BooleanField(default=False)
    extended = models.BooleanField(default=False)
    # While a correction is out: the clock that pauses and its working days left.
    paused_clock = models.CharField(max_length=1, choices=Clock.choices, blank=True)
    paused_days = models.SmallIntegerField(null=True)
    paused_extended = models.BooleanField(default=False)
    corrections = models.PositiveSmallIntegerField(default=0)
    acceptance_number = models.CharField(_("受理凭证编号"), max_length=40, blank=True)
    false_material = models.BooleanField(default=False)
    dispatch = models.ForeignKey(Dispatch, null=True, on_delete=models.PROTECT, related_name="cases")
    registration_id = models.UUIDField(null=True)
    # How the case fared, for oversight: it stands in the docket as well.
    reported_on = models.DateField(null=True)
    decided_on = models.DateField(null=True)
    first_verdict = models.CharField(max_length=4, blank=True)
    final_verdict = models.CharField(max_length=4, blank=True)
    remands = models.PositiveSmallIntegerField(default=0)
    # A decision is proposed and waits for the signing officer.
    awaits_signature = models.BooleanField(default=False)
    chain_length = models.PositiveIntegerField(default=0)
    chain_head = models.CharField(max_length=64, blank=True)

    class Meta:
        verbose_name = _("案卷")
        verbose_name_plural = _("案卷")
        indexes = (
            models.Index("assignee", "state", name="case_by_assignee"),
            models.Index("due_on", condition=Q(state__in=["submitted", "correction"]), name="case_clock"),
            models.Index(
                fields=("due_on", "id"),
                include=("state", "assignee", "kind", "category"),
                condition=Q(state__in=sorted(OPEN)),
                name="case_open_by_due",
            ),
            models.Index(
                fields=("state_since", "id"),
                include=("state", "assignee", "kind", "category"),
                name="case_by_since",
            ),
            models.Index("due_on", condition=Q(due_on__isnull=False), name="case_with_due"),
            GinIndex(Letters("applicant_name"), Letters("employer_name"), name="case_by_letters"),
            # The few that are open, for the counts of a search: what is over is counted only so far.
            GinIndex(
                Letters("applicant_name"),
                Letters("employer_name"),
                condition=Q(state__in=sorted(OPEN)),
                name="case_open_by_letters",
            ),
        )

    def __str__(self) -> str:
        return self.reference

    @property
    def open(self) -> bool:
        return self.state in OPEN

    @property
    def status(self) -> State:
        return State(self.state)


class Dossier(models.Model):
    """The frozen, versioned content of a lodged application (申请材料). A version never changes."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="dossiers")
    version = models.PositiveSmallIntegerField()
    schema_version = models.PositiveSmallIntegerField(default=1)
    content = models.JSONField()
    photo = models.BinaryField(null=True)
    # SHA-256 over sections and photo: the form digest shown on screen, print and case alike.
    digest = models.CharField(max_length=64)
    lodged_at = models.DateTimeField()

    class Meta:
        verbose_name = _("申请材料")
        ordering: ClassVar = ["version"]
        constraints = (models.UniqueConstraint("case", "version", name="dossier_version"),)

    def __str__(self) -> str:
        return f"{self.case_id} v{self.version}"


class Movement(models.Model):
    """One act on a case: who, what, from, to, when, why (流转记录). Append-only and hash-chained per case."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="movements")
    number = models.PositiveIntegerField()
    act = models.CharField(max_length=20)
    actor_id = models.BigIntegerField(null=True)
    actor_name = models.CharField(max_length=100)
    actor_role = models.CharField(max_length=30)
    from_state = models.CharField(max_length=20, blank=True)
    to_state = models.CharField(max_length=20)
    at = models.DateTimeField()
    detail = models.JSONField(default=dict)
    previous = models.CharField(max_length=64)
    hash = models.CharField(max_length=64)

    class Meta:
        verbose_name = _("流转记录")
        ordering: ClassVar = ["number"]
        constraints = (models.UniqueConstraint("case", "number", name="movement_number"),)
        # What happened lately, over all cases: the figures of the desk (`review.numbers`).
        indexes = (models.Index("at", name="movement_by_time"),)

    def __str__(self) -> str:
        return f"{self.case_id} #{self.number} {self.act}"

    @property
    def word(self) -> str | Promise:
        return ACT_WORDS.get(self.act, self.act)


class Opinion(models.Model):
    """An opinion (first review) or decision proposal (final review) with its reasons."""

    class Level(models.TextChoices):
        FIRST = "first", _("初审意见")
        FINAL = "final", _("终审意见")

    class Verdict(models.TextChoices):
        PASS = "pass", _("通过")
        FAIL = "fail", _("不通过")

    class Standing(models.TextChoices):
        PENDING = "pending", _("待复核")
        GIVEN = "given", _("已生效")
        VOID = "void", _("已作废")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="opinions")
    level = models.CharField(max_length=5, choices=Level.choices)
    verdict = models.CharField(max_length=4, choices=Verdict.choices)
    codes = models.JSONField(default=list)
    text = models.CharField(max_length=2000, blank=True)
    standing = models.CharField(max_length=7, choices=Standing.choices)
    author_id = models.BigIntegerField()
    author_name = models.CharField(max_length=100)
    given_at = models.DateTimeField()
    countersigned_by_id = models.BigIntegerField(null=True)
    countersigned_by_name = models.CharField(max_length=100, blank=True)
    countersigned_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("审查意见")
        ordering: ClassVar = ["given_at"]
        constraints = (
            models.UniqueConstraint(
                "case", "level", condition=~Q(standing="void"), name="one_standing_opinion_per_level"
            ),
        )

    def __str__(self) -> str:
        return f"{self.case_id} {self.level} {self.verdict}"


class DispatchLine(models.Model):
    """One line of a dispatch's summary list (汇总表): the case as it was sent, whatever becomes of it later.

    A case that is remanded goes up again in another dispatch and stands in both lists.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    dispatch = models.ForeignKey(Dispatch, on_delete=models.PROTECT, related_name="lines")
    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="dispatch_lines")
    number = models.PositiveSmallIntegerField(_("序号"))
    # The dossier version and the opinion that went up: neither ever changes.
    version = models.PositiveSmallIntegerField()
    opinion = models.ForeignKey(Opinion, null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        verbose_name = _("报送汇总表")
        verbose_name_plural = _("报送汇总表")
        ordering: ClassVar = ["number"]
        constraints = (models.UniqueConstraint("dispatch", "number", name="dispatch_line_number"),)

    def __str__(self) -> str:
        return f"{self.dispatch_id} {self.number}"


class Correction(models.Model):
    """An itemised list of faults, told once, answered by a new dossier version (补正)."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="correction_requests")
    number = models.PositiveSmallIntegerField()
    # [{"item": "employer.name", "code": "R08", "text": "…"}]
    items = models.JSONField()
    reason = models.CharField(max_length=1000, blank=True)
    told_by_id = models.BigIntegerField()
    told_by_name = models.CharField(max_length=100)
    told_at = models.DateTimeField()
    answered_at = models.DateTimeField(null=True)
    answered_by_version = models.PositiveSmallIntegerField(null=True)

    class Meta:
        verbose_name = _("补正通知")
        ordering: ClassVar = ["number"]
        constraints = (models.UniqueConstraint("case", "number", name="correction_number"),)

    def __str__(self) -> str:
        return f"{self.case_id} correction {self.number}"


class Tick(models.Model):
    """The reviewer's mark on one section of the dossier: in order, or at fault."""

    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="ticks")
    item = models.CharField(max_length=40)
    version = models.PositiveSmallIntegerField()
    in_order = models.BooleanField()
    # What is wrong, in the reviewer's words; it becomes the proposal for a correction.
    remark = models.CharField(max_length=200, blank=True)
    by_id = models.BigIntegerField()
    at = models.DateTimeField()

    class Meta:
        constraints = (models.UniqueConstraint("case", "item", "version", name="tick_per_item"),)

    def __str__(self) -> str:
        return f"{self.item} {self.in_order}"


class TerminationGround(models.TextChoices):
    """Why an application is ended without a decision."""

    DEATH = "death", _("申请人死亡")
    REGISTRATION_ENDED = "registration_ended", _("注册已注销、撤销或者吊销")
    RESTRICTION = "restriction", _("申请人处于限制申请期")
    REQUEST = "request", _("申请人请求终止")


class RulingKind(models.TextChoices):
    """By what an ended application is taken up again."""

    RECONSIDERATION = "reconsideration", _("行政复议决定")
    JUDGMENT = "judgment", _("人民法院判决或者裁定")


class PaperSlip(models.Model):
    """A slip for papers handed in over the counter (材料签收单): which, how many, from whom, to whom."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="paper_slips")
    number = models.PositiveSmallIntegerField()
    # [{"code": "M01", "copies": 2, "remark": "…"}]
    lines = models.JSONField()
    handed_by = models.CharField(_("递交人"), max_length=100)
    received_by_id = models.BigIntegerField()
    received_by_name = models.CharField(max_length=100)
    received_at = models.DateTimeField()

    class Meta:
        verbose_name = _("材料签收单")
        verbose_name_plural = _("材料签收单")
        ordering: ClassVar = ["number"]
        constraints = (models.UniqueConstraint("case", "number", name="paper_slip_number"),)

    def __str__(self) -> str:
        return f"{self.case_id} slip {self.number}"


class Letter(models.Model):
    """An official letter of a case (文书): ordered with the movement it tells, drawn once, kept as a file.

    `values` is what it says beside the movements, as it stood at the act; `content` what was printed. The
    file lies among the private files under `path`; it is drawn anew only where it was damaged.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="letters")
    movement = models.ForeignKey(Movement, on_delete=models.PROTECT, related_name="letters")
    name = models.CharField(max_length=30)
    number = models.CharField(_("文号"), max_length=80, blank=True)
    values = models.JSONField()
    content = models.JSONField(default=dict)
    # SHA-256 over `content`, and over the bytes of the file.
    content_digest = models.CharField(max_length=64, blank=True)
    sha256 = models.CharField(max_length=64, blank=True)
    size = models.PositiveIntegerField(default=0)
    path = models.CharField(max_length=200, blank=True)
    ordered_at = models.DateTimeField()
    # Not to be tried again before.
    due_at = models.DateTimeField()
    made_at = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    last_error = models.CharField(max_length=300, blank=True)

    class Meta:
        verbose_name = _("文书")
        verbose_name_plural = _("文书")
        ordering: ClassVar = ["ordered_at"]
        constraints = (
            models.UniqueConstraint("movement", "name", name="one_letter_per_movement"),
            models.CheckConstraint(
                condition=Q(made_at__isnull=True, sha256="", path="")
                | Q(made_at__isnull=False) & ~Q(sha256="") & ~Q(path="") & ~Q(content_digest=""),
                name="kept_letter_has_its_hash",
            ),
        )
        indexes = (
            # The few that wait or are damaged: what a sweep reads of every agency.
            models.Index(
                "due_at", condition=Q(made_at__isnull=True) | ~Q(last_error=""), name="letter_waiting"
            ),
        )

    def __str__(self) -> str:
        return f"{self.case_id} {self.name}"


class CaseNote(models.Model):
    """An internal note of the agency. The applicant and the authority never see it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="notes")
    text = models.CharField(max_length=2000)
    author_id = models.BigIntegerField()
    author_name = models.CharField(max_length=100)
    at = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["at"]

    def __str__(self) -> str:
        return self.text[:40]


ACT_WORDS: dict[str, str | Promise] = {
    "lodge": _("上报"),
    "take_up": _("领取"),
    "release": _("释放"),
    "assign": _("分派"),
    "accept": _("受理"),
    "deem_accept": _("视为受理"),
    "not_accept": _("不予受理"),
    "send_back": _("退回补正"),
    "resubmit": _("重新上报"),
    "lapse": _("逾期终止"),
    "withdraw": _("撤回"),
    "give_opinion": _("出具初审意见"),
    "countersign": _("复核"),
    "decline": _("复核不同意"),
    "reopen": _("撤销初审意见"),
    "refer": _("报送终审"),
    "remand": _("退回初审"),
    "approve": _("准予注册"),
    "refuse": _("不予注册"),
    "extend": _("延长期限"),
    "extend_correction": _("延长补正期限"),
    "propose_restriction": _("建议限制申请"),
    "drop_restriction": _("撤回限制建议"),
    "hand_over": _("转交"),
    "announce": _("公告"),
    "issue": _("发证"),
    "recompute": _("重算期限"),
    "terminate": _("终止"),
    "reinstate": _("恢复审查"),
}
