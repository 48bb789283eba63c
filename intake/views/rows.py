"""Lists of the form (工作经历, 继续教育): the table with its blank row on a step, and a page for each row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from intake import completeness, corrections, filing, flows, held
from intake.circumstances import Circumstances
from intake.completeness import Doubt, Findings
from intake.corrections import OpenCorrection
from intake.flows import ROWS, Section, Step
from intake.forms import ROW_FORMS, RowForm, Stored
from intake.hours import Tally, tally_of
from intake.models import Application
from intake.views.found import own_application, private
from intake.views.frame import no_such_page, step_url
from intake.views.lodging import lodged_already
from review.sections import COLUMNS
from tenants.errors import Refusal
from tenants.guards import ApplicantRequest, applicant_required

# What the buttons of a list post as `go`.
ADD, DELETE = "add", "delete"
# Columns that the table tells by other means: 起止时间 is one cell, an agency's row says so under it.
NO_COLUMN: Final = frozenset({"from", "to", "imported"})


@dataclass(frozen=True, slots=True)
class Line:
    """A row as the table shows it: its 起止时间 leads to changing it; an agency's row cannot be changed."""

    span: str
    url: str
    cells: list[tuple[Any, str]]
    note: Any = ""
    faults: list[Any] = field(default_factory=list)
    imported: bool = False


@dataclass(slots=True)
class RowPart:
    """A list on the page: its rows, and the blank form under them."""

    section: Section
    stored: list[Stored]
    form: RowForm
    tally: Tally | None = None
    lines: list[Line] = field(default_factory=list)
    doubts: list[Doubt] = field(default_factory=list)

    @property
    def heads(self) -> list[Any]:
        return [column.label for column in COLUMNS[self.section] if column.name not in NO_COLUMN]


def part_of(
    application: Application, about: Circumstances, section: Section, data: Mapping[str, Any] | None
) -> RowPart:
    """The list of a section; `data` is what was typed into its blank row."""
    stored: list[Stored] = application.sections.get(section, [])
    bound = data if data is not None and (data.get("go") == ADD or _typed(section, data)) else None
    return RowPart(
        section=section,
        stored=stored,
        form=ROW_FORMS[section](bound, about=about, others=stored),
        tally=tally_of(stored, about) if section == Section.EDUCATION else None,
    )


def show(part: RowPart, application: Application, findings: Findings) -> None:
    """Fill in the table: what is wrong in a row stands in it, what may be asked about stands below."""
    courses = part.tally.courses if part.tally else ()
    rows = [(course.row, course.left_out) for course in courses] or [(row, "") for row in part.stored]
    part.lines = [_line(application, part.section, row, note, findings) for row, note in rows]
    part.doubts = [doubt for doubt in findings.doubts_in(part.section) if not _in_a_line(part, doubt)]


def _in_a_line(part: RowPart, doubt: Doubt) -> bool:
    """The notes of courses that do not count stand beside them."""
    return part.tally is not None and doubt.remark


def _line(application: Application, section: Section, row: Stored, note: Any, findings: Findings) -> Line:
    columns = [column for column in COLUMNS[section] if column.name not in NO_COLUMN]
    imported = bool(row.get("imported"))
    return Line(
        span=completeness.span_of(row),
        url="" if imported else reverse("row", args=[application.pk, section, row["id"]]),
        cells=[(column.label, column.show(row.get(column.name))) for column in columns],
        note=note,
        faults=[] if imported else [miss.message for miss in findings.of_row(row["id"])],
        imported=imported,
    )


def _typed(section: Section, data: Mapping[str, Any]) -> bool:
    """Whether something was typed into the blank row: it is added even when 下一步 was pressed."""
    return any(str(value).strip() for name, value in data.items() if name.startswith(f"{section}-"))


# --- One row -----------------------------------------------------------------------------------------


@applicant_required
@never_cache
@require_http_methods(["GET", "POST"])
def row(request: ApplicantRequest, application_id: UUID, section: str, row_id: str) -> HttpResponse:
    """Change or delete one row: reached by clicking its 起止时间."""
    application = own_application(request, application_id)
    if section not in ROWS:
        raise Http404
    which, open_one = Section(section), corrections.of(application)
    about = corrections.circumstances_of(application, open_one)
    found = flows.step_of_section(application.kind, section, hours_count=about.hours_count)
    if found is None:
        return no_such_page(request, application)
    if _closed(application, which, open_one):
        return lodged_already(request, application, found)
    rows: list[Stored] = application.sections.get(section, [])
    known = next((one for one in rows if one["id"] == row_id), None)
    if known is None:
        messages.error(request, str(filing.row_gone().message))
        return redirect(_list_of(application, found))
    return _one_row(request, application, about, found, which, known)


def _closed(application: Application, section: Section, open_one: OpenCorrection | None) -> bool:
    if application.status == Application.Status.DRAFT:
        return False
    return open_one is None or section not in open_one.sections


def _list_of(application: Application, found: Step) -> str:
    return f"{step_url(application, found)}#rows"


def _one_row(
    request: HttpRequest,
    application: Application,
    about: Circumstances,
    found: Step,
    section: Section,
    known: Stored,
) -> HttpResponse:
    back = _list_of(application, found)
    typed = held.typed(request)
    if request.method == "POST" and request.POST.get("go") == DELETE and "sure" not in request.POST:
        return _ask_to_delete(request, known)
    others = [one for one in application.sections.get(section, []) if one is not known]
    if typed is None and "check" in request.GET:
        form: RowForm = ROW_FORMS[section].checking(known, about, others)
    else:
        form = ROW_FORMS[section](typed, about=about, stored=known, others=others)
    if request.method == "POST":
        try:
            if _written(request, application, section, known, form):
                return redirect(back)
        except Refusal as no:
            messages.error(request, str(no.message))
            return redirect(back if no.code == "row_gone" else reverse("application", args=[application.pk]))
    context = {"application": application, "form": form, "section": section, "back": back}
    return private(render(request, "intake/row.html", context))


def _written(
    request: HttpRequest, application: Application, section: Section, known: Stored, form: RowForm
) -> bool:
    """Delete or change the row; False when something is left to mend."""
    span = {"span": completeness.span_of(known)}
    if request.POST.get("go") == DELETE:
        filing.delete_row(application=application, section=section, row_id=known["id"])
        messages.success(request, _("已删除%(span)s。") % span)
        return True
    if not form.is_valid():
        return False
    filing.change_row(application=application, section=section, row_id=known["id"], row=form.row())
    messages.success(request, _("已修改%(span)s。") % span)
    return True


def _ask_to_delete(request: HttpRequest, known: Stored) -> HttpResponse:
    what = known.get("employer") or known.get("provider") or ""
    context = {
        "title": _("确定删除这一行吗？"),
        "lines": [_("%(span)s，%(what)s") % {"span": completeness.span_of(known), "what": what}],
        "warning": _("删除后不能恢复，需要时可以重新添加。"),
        "hidden": [("go", DELETE), ("sure", "1")],
        "act_label": _("删除"),
        "tone": "danger",
        "cancel_url": request.path,
    }
    return private(render(request, "components/confirm.html", context))
