"""What is still missing before lodging, and what an officer may object to.

Every stored section is put through the form that took it, in today's circumstances: a contract that has
run out since, or a law that has changed, is found here and not at the agency.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from itertools import combinations

from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from intake import flows
from intake.circumstances import CHOOSES_AGENCY, Circumstances
from intake.flows import Section, Step
from intake.forms import FORMS, ROW_FORMS, Months, SectionForm, Stored, labelled, month_of
from intake.hours import tally_of
from intake.models import Application
from register import clock
from register.materials import CHANGE_CATEGORY, CHANGE_EMPLOYER, CHANGE_NAME
from register.models import Kind
from review.sections import as_day, as_month
from tenants import directory

Text = str | Promise
PHOTO = "photo"
ROWS = "rows"


@dataclass(frozen=True, slots=True)
class Miss:
    """One thing to mend before lodging, and where: step, section, field, and of a list which row."""

    step: Step
    section: Section
    field: str
    message: Text
    row: str = ""

    @property
    def anchor(self) -> str:
        """The id of the place on the step's page."""
        if not self.field:
            return "main"
        if self.field in (PHOTO, ROWS):
            return str(self.field)
        return f"id_{self.section}-{self.field}"


@dataclass(frozen=True, slots=True)
class Doubt:
    """What an officer may ask about; a `remark` is only shown. Neither keeps anybody from lodging."""

    step: Step
    section: Section
    message: Text
    remark: bool = False


@dataclass(frozen=True, slots=True)
class Findings:
    """The outcome of the check: misses keep one from lodging, doubts do not."""

    steps: tuple[Step, ...]
    misses: tuple[Miss, ...]
    doubts: tuple[Doubt, ...] = ()

    @property
    def complete(self) -> bool:
        return not self.misses

    @property
    def warnings(self) -> tuple[tuple[Step, Text], ...]:
        """What an officer may ask about, with the step on which it stands."""
        return tuple((doubt.step, doubt.message) for doubt in self.doubts if not doubt.remark)

    def of_step(self, step: Step) -> list[Miss]:
        return [miss for miss in self.misses if miss.step == step]

    def of_row(self, row_id: str) -> list[Miss]:
        """What is wrong in one row of a list."""
        return [miss for miss in self.misses if miss.row == row_id]

    def doubts_in(self, section: str) -> list[Doubt]:
        return [doubt for doubt in self.doubts if doubt.section == section]

    @property
    def first_open(self) -> Step:
        """The first step on which something is missing; the last one when nothing is."""
        return self.misses[0].step if self.misses else self.steps[-1]


def check(application: Application, about: Circumstances) -> Findings:
    """Everything that is missing or doubtful in this application today."""
    steps = flows.steps_of(application.kind, hours_count=about.hours_count)
    found: list[Miss | Doubt] = []
    for step in steps:
        for section in step.sections:
            found += _check_section(application, about, step, section)
    if about.kind not in CHOOSES_AGENCY:
        found += _check_agency(about, flows.SIDE_CHANNEL)
    misses = tuple(each for each in found if isinstance(each, Miss))
    doubts = tuple(each for each in found if isinstance(each, Doubt))
    return Findings(steps=steps, misses=misses, doubts=doubts)


def _check_section(
    application: Application, about: Circumstances, step: Step, section: Section
) -> Iterator[Miss | Doubt]:
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


def _check_agency(about: Circumstances, step: Step) -> Iterator[Miss]:
    if about.agency is None:
        yield Miss(step, Section.CHANNEL, "agency", _("请选择注册渠道和注册机构。"))
    elif not about.agency.intake_open:
        yield Miss(step, Section.CHANNEL, "agency", directory.why_closed(about.agency))


def _check_form(
    application: Application, about: Circumstances, step: Step, section: Section
) -> Iterator[Miss | Doubt]:
    stored: Stored | None = application.sections.get(section)
    if stored is None:
        yield Miss(step, section, "", gettext("%(section)s尚未填写。") % {"section": section.label})
        return
    form = FORMS[section].checking(stored, about)
    yield from _faults(form, step)
    yield from (Doubt(step, section, warning) for warning in form.warnings)


def _faults(form: SectionForm, step: Step, before: str = "", row: str = "") -> Iterator[Miss]:
    for name, errors in form.errors.items():
        label = form.fields[name].label if name in form.fields else form.section.label
        for error in errors:
            yield Miss(step, form.section, name, before + labelled(label, str(error)), row)


# --- Lists -----------------------------------------------------------------------------------------


def _check_rows(
    application: Application, about: Circumstances, step: Step, section: Section
) -> Iterator[Miss | Doubt]:
    rows: list[Stored] = application.sections.get(section, [])
    for row in rows:
        others = [other for other in rows if other is not row]
        form = ROW_FORMS[section].checking(row, about, others)
        before = gettext("%(span)s：") % {"span": span_of(row)}
        yield from _faults(form, step, before, row.get("id", ""))
    if section == Section.EDUCATION:
        yield from _check_hours(rows, about, step)
    else:
        yield from _check_times(application, rows, about, step)


def _check_hours(rows: list[Stored], about: Circumstances, step: Step) -> Iterator[Miss | Doubt]:
    """The class hours against the requirement (Order 11 art. 23), by the policy also those of profession."""
    tally = tally_of(rows, about)
    if tally.missing:
        message = (
            _("请添加本周期参加的继续教育。")
            if not tally.total
            else gettext("继续教育已有 %(hours)s 学时，还差 %(missing)s 学时。")
            % {"hours": tally.total, "missing": tally.missing}
        )
        yield Miss(step, Section.EDUCATION, ROWS, message)
    elif tally.missing_professional:
        message = gettext("专业课程应不少于 %(required)s 学时，还差 %(missing)s 学时。")
        numbers = {"required": tally.required_professional, "missing": tally.missing_professional}
        yield Miss(step, Section.EDUCATION, ROWS, message % numbers)
    for course in tally.courses:
        if course.left_out:
            span = gettext("%(span)s：") % {"span": span_of(course.row)}
            yield Doubt(step, Section.EDUCATION, f"{span}{course.left_out}", remark=True)


def _check_times(
    application: Application, rows: list[Stored], about: Circumstances, step: Step
) -> Iterator[Miss | Doubt]:
    """Experience: overlaps and another last employer are asked about, gaps are only shown."""
    section = Section.EXPERIENCE
    if not rows:
        yield Miss(step, section, ROWS, _("请至少添加一段从事安全生产相关业务的工作经历。"))
        return
    for one, other in overlaps(rows, about.today):
        message = gettext("%(one)s与%(other)s的时间重叠，请确认无误。")
        yield Doubt(step, section, message % {"one": span_of(one), "other": span_of(other)})
    for since, until in gaps(rows, about.today):
        message = (
            gettext("%(since)s至%(until)s没有填写经历。")
            if since != until
            else gettext("%(since)s没有填写经历。")
        )
        words = {"since": as_month(since), "until": as_month(until)}
        yield Doubt(step, section, message % words, remark=True)
    present = (application.sections.get(Section.EMPLOYER) or {}).get("name")
    last = max(rows, key=lambda row: (row["to"] or "9999", row["from"]))
    if present and last["employer"] != present:
        yield Doubt(step, section, _("最近一段工作经历的单位与聘用单位不一致，请确认。"))


def overlaps(rows: list[Stored], today: date) -> Iterator[tuple[Stored, Stored]]:
    """Pairs of rows that share more than the month in which one ends and the other begins."""
    for one, other in combinations(rows, 2):
        if Months.of(one, today).overlaps(Months.of(other, today)):
            yield one, other


def gaps(rows: list[Stored], today: date) -> Iterator[tuple[str, str]]:
    """First and last month of each time between rows that no row covers."""
    reached = ""
    for span in sorted((Months.of(row, today) for row in rows), key=lambda span: span.since):
        if reached and span.since > next_month(reached):
            yield next_month(reached), next_month(span.since, back=True)
        reached = max(reached, span.until)


def next_month(month: str, *, back: bool = False) -> str:
    """The stored month after, or before, a stored month."""
    return f"{clock.add_months(month_of(month), -1 if back else 1):%Y-%m}"


def span_of(row: Stored) -> str:
    """起止时间 of a row in words."""
    show = as_month if len(row["from"]) == len("2020-03") else as_day
    return f"{show(row['from'])}—{show(row['to']) if row['to'] else gettext('至今')}"


# --- Across sections -------------------------------------------------------------------------------


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
