"""The applicant's own drafts. Every state after lodging is read from the docket, not from here."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from register.models import Kind


class Application(models.Model):
    """What the applicant fills in (申请): a draft until lodged, one per person."""

    class Status(models.TextChoices):
        DRAFT = "draft", _("未上报")
        LODGED = "lodged", _("已上报")
        DISCARDED = "discarded", _("已放弃")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    reference = models.CharField(_("申请编号"), max_length=20, unique=True)
    person = models.ForeignKey("register.Person", on_delete=models.PROTECT, related_name="applications")
    kind = models.CharField(_("注册种类"), max_length=12, choices=Kind.choices)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.DRAFT)
    late = models.BooleanField(_("逾期初始注册"), default=False)
    agency = models.ForeignKey(
        settings.TENANT_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    # One entry per section of the form, keyed by the section's name in `intake.flows`; lists are arrays.
    sections = models.JSONField(default=dict)
    photo = models.ForeignKey(
        "register.Photo", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    # The step on which the applicant stands, to return to after signing in again.
    step = models.CharField(max_length=20, blank=True)
    printed_digest = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField()
    saved_at = models.DateTimeField()
    lodged_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("申请")
        verbose_name_plural = _("申请")
        constraints = (
            models.UniqueConstraint("person", condition=Q(status="draft"), name="one_draft_per_person"),
        )

    def __str__(self) -> str:
        return self.reference


class Paper(models.Model):
    """An uploaded paper of an application, re-encoded or sanitised, served only to those who may see it.

    A row never changes. Which papers make up the application stands in `Application.sections`; what was
    lodged once stays, also when a correction replaces it.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    application = models.ForeignKey(Application, on_delete=models.PROTECT, related_name="papers")
    code = models.CharField(_("材料类型"), max_length=4)
    name = models.CharField(_("文件名称"), max_length=150)
    content_type = models.CharField(max_length=60)
    sha256 = models.CharField(max_length=64)
    data = models.BinaryField()
    size = models.PositiveIntegerField(default=0)
    pages = models.PositiveSmallIntegerField(_("页数"), default=1)
    thumbnail = models.BinaryField(default=bytes)
    # Of the signed form: which content it was printed from.
    form_digest = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField()

    class Meta:
        verbose_name = _("上传材料")
        verbose_name_plural = _("上传材料")

    def __str__(self) -> str:
        return self.name

    @property
    def numbers(self) -> range:
        """The numbers of its pages."""
        return range(1, self.pages + 1)


class PaperPage(models.Model):
    """A page of a PDF as a picture, as it is shown beside the data."""

    paper = models.ForeignKey(Paper, on_delete=models.CASCADE, related_name="pictures")
    number = models.PositiveSmallIntegerField()
    data = models.BinaryField()

    class Meta:
        constraints = (models.UniqueConstraint("paper", "number", name="page_of_paper"),)

    def __str__(self) -> str:
        return f"{self.paper_id} {self.number}"
