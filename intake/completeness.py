"""What is still missing before lodging, and what an officer may object to.

Every stored section is put through the form that took it, in today's circumstances: a contract that has
run out since, or a law that has changed, is found here and not at the agency.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from intake import flows
from intake.circumstances import CHOOSES_AGENCY, Circumstances
from intake.flows import Section, Step
from intake.forms import (
    CHANGE_CATEGORY,
    CHANGE_EMPLOYER,
    CHANGE_NAME,
    FORMS,
    ROW_FORMS,
    RowForm,
    SectionForm,
    Stored,
    labelled,
)
from intake.models import Application
from register.models import Kind

Text = str | Promise
PHOTO = "photo"
ROWS = "rows"


@dataclass(frozen=True, slots=True)
class Miss:
    """One thing to mend before lodging, and where: step, section and field."""

    step: Step
    section: Section
    field: str
    message: Text

    @property
    def anchor(self) -> str:
        """The id of the place on the step's page."""
        if not self.field:
            return "main"
        if self.field in (PHOTO, ROWS):
            return str(self.field)
        return f"id_{self.section}-{self.field}"


@dataclass(frozen=True, slots=True)
class Findings:
    """The outcome of the check: misses keep one from lodging, warnings do not."""

    steps: tuple[Step, ...]
    misses: tuple[Miss, ...]
    warnings: tuple[tuple[Step, Text], ...]

    @property
    def complete(self) -> bool:
        return not self.misses

    def of_step(self, step: Step) -> list[Miss]:
        return [miss for miss in self.misses if miss.step == step]

    @property
    def first_open(self) -> Step:
        """The first step on which something is missing; the last one when nothing is."""
        return self.misses[0].step if self.misses else self.steps[-1]


def check(application: Application, about: Circumstances) -> Findings:
    """Everything that is missing or doubtful in this application today."""
    steps = flows.steps_of(application.kind, hours_count=about.hours_count)
    misses: list[Miss] = []
    warnings: list[tuple[Step, Text]] = []
    for step in steps:
        for section in step.sections:
            for found in _check_section(application, about, step, section):
                if isinstance(found, Miss):
                    misses.append(found)
                else:
                    warnings.append((step, found))
    if about.kind not in CHOOSES_AGENCY:
        misses += _check_agency(about, flows.SIDE_CHANNEL)
    return Findings(steps=steps, misses=tuple(misses), warnings=tuple(warnings))


def _check_section(
    application: Application, about: Circumstances, step: Step, section: Section
) -> Iterator[Miss | Text]:
    if section == Section.CHANNEL:
        yield from _check_agency(about, step)
    elif section in flows.ROWS:
        yield from _check_rows(application, about, step, section)
    else:
        yield from _check_form(application, about, step, section)
    if section == Section.PERSONAL and application.photo_id is None:
        yield Miss(step, section, PHOTO, _("您还没有上传照片，请在个人信息中上传，否则不能上报。"))
    if section == Section.EMPLOYER and about.kind == Kind.CHANGE:
        yield from _check_change(application, about, step)
    if section == Section.EXPERIENCE:
        yield from _compare_employer(application)


def _check_agency(about: Circumstances, step: Step) -> Iterator[Miss]:
    if about.agency is None:
        yield Miss(step, Section.CHANNEL, "agency", _("请选择注册渠道和注册机构。"))
    elif not about.agency.intake_open:
        message = gettext("%(agency)s暂停接收申请，请另选注册机构。") % {"agency": about.agency.name}
        yield Miss(step, Section.CHANNEL, "agency", message)


def _check_form(
    application: Application, about: Circumstances, step: Step, section: Section
) -> Iterator[Miss | Text]:
    stored: Stored | None = application.sections.get(section)
    if stored is None:
        yield Miss(step, section, "", gettext("%(section)s尚未填写。") % {"section": section.label})
        return
    form = FORMS[section].checking(stored, about)
    yield from _faults(form, step)
    yield from form.warnings


def _faults(form: SectionForm, step: Step, before: str = "") -> Iterator[Miss]:
    for name, errors in form.errors.items():
        label = form.fields[name].label if name in form.fields else form.section.label
        for error in errors:
            yield Miss(step, form.section, name, before + labelled(label, str(error)))


def _check_rows(
    application: Application, about: Circumstances, step: Step, section: Section
) -> Iterator[Miss | Text]:
    rows: list[Stored] = application.sections.get(section, [])
    if not rows:
        yield Miss(step, section, ROWS, NO_ROWS[section])
    for row, form in row_forms(rows, about, section):
        before = gettext("%(span)s：") % {"span": span_of(row)}
        yield from (Miss(m.step, m.section, ROWS, m.message) for m in _faults(form, step, before))
        yield from form.warnings
    if section == Section.EDUCATION and rows:
        missing = about.policy.ce_hours_required - hours_of(rows)
        if missing > 0:
            message = gettext("继续教育已填写 %(hours)s 学时，还差 %(missing)s 学时。")
            yield Miss(step, section, ROWS, message % {"hours": hours_of(rows), "missing": missing})


NO_ROWS: dict[Section, Text] = {
    Section.EXPERIENCE: _("请至少添加一段从事安全生产相关业务的工作经历。"),
    Section.EDUCATION: _("请添加本周期参加的继续教育。"),
}


def row_forms(rows: list[Stored], about: Circumstances, section: Section) -> Iterator[tuple[Stored, RowForm]]:
    """Each stored row with the form that checks it beside the others."""
    for row in rows:
        others = [other for other in rows if other is not row]
        yield row, ROW_FORMS[section].checking(row, about, others)


def span_of(row: Stored) -> str:
    """起止时间 of a row in words."""
    until = row["to"] or gettext("至今")
    return f"{row['from']} — {until}"


def hours_of(rows: list[Stored]) -> Decimal:
    """The sum of class hours, without trailing zeros."""
    total = sum((Decimal(row["hours"]) for row in rows if row.get("hours")), Decimal(0))
    return total.quantize(Decimal(1)) if total == total.to_integral() else total.normalize()


def _check_change(application: Application, about: Circumstances, step: Step) -> Iterator[Miss]:
    """What is said to change must differ from the register, and nothing else may (Order 11 art. 14)."""
    before = about.registration
    employer: Stored = application.sections.get(Section.EMPLOYER) or {}
    items: list[str] = (application.sections.get(Section.REGISTRATION) or {}).get("change_items", [])
    if before is None or not employer or not items:
        return
    renamed = employer.get("name") != before.employer_name
    moved = bool(before.employer_code) and employer.get("code") != before.employer_code
    if {CHANGE_EMPLOYER, CHANGE_NAME} & set(items) and not (renamed or moved):
        yield Miss(step, Section.EMPLOYER, "name", _("聘用单位与原来相同，请填写变更后的单位。"))
    if set(items) == {CHANGE_CATEGORY} and (renamed or moved):
        yield Miss(
            step,
            Section.REGISTRATION,
            "change_items",
            _("聘用单位与原来不同，请同时勾选“变更聘用单位”或“聘用单位更名”。"),
        )


def _compare_employer(application: Application) -> Iterator[Text]:
    rows: list[dict[str, Any]] = application.sections.get(Section.EXPERIENCE, [])
    present = (application.sections.get(Section.EMPLOYER) or {}).get("name")
    if rows and present:
        last = max(rows, key=lambda row: (row["to"] or "9999", row["from"]))
        if last["employer"] != present:
            yield _("最近一段工作经历的单位与聘用单位不一致，请确认。")
