"""The post room: what must be told to whom, and what stands on the notice board.

It knows users, references and plain values, no application.
"""

from __future__ import annotations

from typing import ClassVar, Final

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

WAITS: Final = Q(sent_at__isnull=True, dead_at__isnull=True)


class Outbox(models.Model):
    """What must be told, written in the transaction of the act that causes it. The row is the truth."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=40)
    cause = models.CharField(max_length=80)
    data = models.JSONField(default=dict)
    case_id = models.UUIDField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    due_at = models.DateTimeField(default=timezone.now)
    attempts = models.PositiveSmallIntegerField(default=0)
    last_error = models.CharField(max_length=300, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    # Given up after many attempts; staff see it and may ask for it once more.
    dead_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (models.UniqueConstraint("user", "kind", "cause", name="outbox_once_per_cause"),)
        indexes = (
            models.Index("due_at", "id", condition=WAITS, name="outbox_waits"),
            models.Index("dead_at", "id", condition=Q(dead_at__isnull=False), name="outbox_dead"),
            models.Index("case_id", condition=Q(case_id__isnull=False), name="outbox_of_case"),
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.cause}"


class Notice(models.Model):
    """One line on a person's notice board (公告信息)."""

    class Category(models.TextChoices):
        STATUS = "status", _("状态")
        REMINDER = "reminder", _("提醒")
        CORRECTION = "correction", _("补正")
        SYSTEM = "system", _("系统")

    outbox = models.OneToOneField(Outbox, on_delete=models.PROTECT, related_name="notice")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="notices")
    kind = models.CharField(max_length=40)
    category = models.CharField(max_length=10, choices=Category.choices)
    title_zh = models.CharField(max_length=100)
    body_zh = models.TextField()
    title_en = models.CharField(max_length=200)
    body_en = models.TextField()
    case_id = models.UUIDField(null=True, blank=True)
    # Where it leads on its reader's own desk, if not to a case: a path, never an address elsewhere.
    link = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField()
    read_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("公告信息")
        verbose_name_plural = _("公告信息")
        ordering: ClassVar = ["-created_at", "-id"]
        indexes = (models.Index("user", F("created_at").desc(), name="notice_board"),)

    def __str__(self) -> str:
        return self.title_zh

    @property
    def title(self) -> str:
        return self.title_en if (get_language() or "").startswith("en") else self.title_zh

    @property
    def url(self) -> str:
        """The page it leads to, or that of its application on the present desk, where that desk has one."""
        if self.case_id is None:
            return self.link
        for page in ("application", "case"):
            try:
                return reverse(page, args=[self.case_id])
            except NoReverseMatch:
                continue
        return ""

    @property
    def body(self) -> str:
        return self.body_en if (get_language() or "").startswith("en") else self.body_zh


class Delivery(models.Model):
    """The outcome of one channel beside the board (e-mail, SMS) for one outbox row."""

    class Channel(models.TextChoices):
        EMAIL = "email", _("电子邮件")
        SMS = "sms", _("短信")

    outbox = models.ForeignKey(Outbox, on_delete=models.PROTECT, related_name="deliveries")
    channel = models.CharField(max_length=10, choices=Channel.choices)
    created_at = models.DateTimeField(default=timezone.now)
    due_at = models.DateTimeField(default=timezone.now)
    attempts = models.PositiveSmallIntegerField(default=0)
    last_error = models.CharField(max_length=300, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    # The address may no longer be written to, or its owner no longer wants it: nothing was sent.
    dropped_at = models.DateTimeField(null=True, blank=True)
    dead_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (models.UniqueConstraint("outbox", "channel", name="delivery_once_per_channel"),)
        indexes = (
            models.Index(
                "channel", "due_at", "id", condition=WAITS & Q(dropped_at__isnull=True), name="delivery_waits"
            ),
            models.Index("dead_at", "id", condition=Q(dead_at__isnull=False), name="delivery_dead"),
        )

    def __str__(self) -> str:
        return f"{self.channel} {self.outbox_id}"


class Mute(models.Model):
    """What an account does not want by e-mail or SMS; the board and statutory notices are not asked."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="mutes")
    channel = models.CharField(max_length=10, choices=Delivery.Channel.choices)
    category = models.CharField(max_length=10, choices=Notice.Category.choices)

    class Meta:
        constraints = (models.UniqueConstraint("user", "channel", "category", name="mute_once"),)

    def __str__(self) -> str:
        return f"{self.user_id} {self.channel} {self.category}"


class Resend(models.Model):
    """A wish of the staff that something given up be tried once more. Kept: who asked, and when.

    Without a channel it concerns the board.
    """

    outbox = models.ForeignKey(Outbox, on_delete=models.PROTECT, related_name="resends")
    channel = models.CharField(max_length=10, choices=Delivery.Channel.choices, blank=True)
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    asked_at = models.DateTimeField(default=timezone.now)
    done_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = (models.Index("id", condition=Q(done_at__isnull=True), name="resend_waits"),)

    def __str__(self) -> str:
        return f"{self.outbox_id} {self.channel}"
