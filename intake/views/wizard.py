"""The steps of an application: one page per step, one form on the page, everything saved on the server."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from intake import circumstances, completeness, corrections, filing, flows, signin
from intake.circumstances import CHANNELS, Circumstances
from intake.corrections import OpenCorrection
from intake.filing import AnotherDraft
from intake.flows import ROWS, Section, Step
from intake.forms import FORMS, ROW_FORMS, RowForm, SectionForm, Stored, labelled
from intake.models import Application
from intake.photos import LARGEST_FILE
from intake.views.agencies import search
from intake.views.found import own_application, posted, private
from intake.views.frame import frame, step_url
from intake.views.lodging import lodged_already
from intake.views.preview import preview
from register import codes, policy
from register.models import Kind
from review.sections import COLUMNS
from tenants.errors import Refusal
from tenants.guards import ApplicantRequest, applicant_required

# What the buttons of a step post as `go`.
ADD, NEXT, DELETE = "add", "next", "delete"


# --- Beginning -------------------------------------------------------------------------------------


@applicant_required
@never_cache
@require_http_methods(["GET", "POST"])
def application_new(request: ApplicantRequest, kind: str) -> HttpResponse:
    """The navigator of a kind with 开始…注册; with a draft of another kind it asks first."""
    if kind not in Kind:
        raise Http404
    chosen, person = Kind(kind), signin.person_of(request)
    known = filing.draft_of(person)
    if request.method == "POST":
        if known is not None and known.kind != chosen and "discard" in request.POST:
            filing.discard(application=known)
        try:
            draft = filing.start(person=person, kind=chosen)
        except AnotherDraft as other:
            return _ask_to_discard(request, chosen, other.draft)
        except Refusal as no:
            messages.error(request, str(no.message))
            return redirect("home")
        return redirect(step_url(draft, _where_to_go_on(draft)))
    rules = policy.current()
    context = {
        "guide": flows.guide_of(chosen, rules),
        "rules": rules,
        "draft": known if known is not None and known.kind == chosen else None,
    }
    return render(request, "intake/new.html", context)


def _ask_to_discard(request: HttpRequest, kind: Kind, draft: Application) -> HttpResponse:
    context = {
        "title": gettext("开始%(kind)s前，要放弃另一份草稿吗？") % {"kind": kind.label},
        "lines": [
            gettext("您有一份未上报的%(kind)s申请（%(reference)s），每人同时只能有一份草稿。")
            % {"kind": draft.get_kind_display(), "reference": draft.reference}
        ],
        "warning": _("放弃后，草稿中填写的内容不能恢复。"),
        "hidden": [("discard", "1")],
        "act_label": gettext("放弃草稿，开始%(kind)s") % {"kind": kind.label},
        "tone": "danger",
        "cancel_url": step_url(draft, _where_to_go_on(draft)),
        "cancel_label": _("继续填写原来的草稿"),
    }
    return render(request, "components/confirm.html", context)


def _where_to_go_on(draft: Application) -> Step:
    about = circumstances.of(draft)
    step = flows.step_named(draft.kind, draft.step, hours_count=about.hours_count)
    return step or flows.numbered(flows.steps_of(draft.kind, hours_count=about.hours_count))[0]


# --- One step --------------------------------------------------------------------------------------


class PhotoForm(forms.Form):
    """照片: one portrait."""

    file = forms.FileField(
        label=_("照片"),
        required=False,
        help_text=_("近期免冠正面证件照，白底，JPG 格式，20 KB 至 2 MB，不小于 295×413 像素，宽高比 5:7。"),
        widget=forms.FileInput(attrs={"accept": "image/jpeg,image/png", "data-preview": "#photo"}),
    )

    def __init__(self, files: Any = None) -> None:
        super().__init__({} if files is not None else None, files, prefix="photo")


@dataclass(slots=True)
class RowPart:
    """A list on the page: its rows, and the blank form under them."""

    section: Section
    rows: list[dict[str, Any]]
    heads: list[Any]
    form: RowForm
    total: str = ""


@dataclass(slots=True)
class Page:
    """A step as it is shown and posted."""

    application: Application
    about: Circumstances
    step: Step
    open_one: OpenCorrection | None
    forms: list[SectionForm] = field(default_factory=list)
    parts: list[RowPart] = field(default_factory=list)
    photo: PhotoForm | None = None

    @property
    def faults(self) -> list[dict[str, str]]:
        """What is left to mend, each line leading to its field, for the error summary."""
        several: list[forms.Form] = [*self.forms, *(part.form for part in self.parts)]
        if self.photo is not None:
            several.insert(0, self.photo)
        return [
            {"message": labelled(form[name].label, str(error)), "href": f"#{form[name].auto_id}"}
            for form in several
            for name, errors in form.errors.items()
            for error in errors
        ]

    @property
    def url(self) -> str:
        return step_url(self.application, self.step)


@applicant_required
@never_cache
@require_http_methods(["GET", "POST"])
def step(request: ApplicantRequest, application_id: UUID, slug: str) -> HttpResponse:
    """One step of the wizard; of a lodged application only what an open correction names."""
    application = own_application(request, application_id)
    open_one = corrections.of(application)
    about = circumstances.of(application, under=open_one.policy if open_one else None)
    found = flows.step_named(application.kind, slug, hours_count=about.hours_count)
    if found is None:
        raise Http404
    if application.status != Application.Status.DRAFT and (open_one is None or found is flows.PREVIEW):
        return lodged_already(request, application, found)
    if found is flows.PREVIEW:
        return preview(request, application, about)
    if Section.CHANNEL in found.sections:
        return _channel_page(request, application, about, found)
    page = _page(request, application, about, found, open_one)
    if not (page.forms or page.parts or page.photo):
        raise Http404
    answer = _post(request, page) if request.method == "POST" else None
    if answer is None:
        filing.stand_on(application=application, step=found.slug)
        answer = private(render(request, "intake/step.html", _step_context(page)))
    return answer


def _page(
    request: HttpRequest,
    application: Application,
    about: Circumstances,
    found: Step,
    open_one: OpenCorrection | None,
) -> Page:
    page = Page(application, about, found, open_one)
    data = request.POST if request.method == "POST" else None
    sections = [s for s in found.sections if open_one is None or s in open_one.sections]
    for section in sections:
        if section in ROWS:
            page.parts.append(_part(application, about, section, data))
        else:
            page.forms.append(_form(request, page, section, data))
    if Section.PERSONAL in found.sections and (open_one is None or open_one.photo_open):
        page.photo = PhotoForm(request.FILES if data is not None else None)
    return page


def _form(request: HttpRequest, page: Page, section: Section, data: Mapping[str, Any] | None) -> SectionForm:
    stored: Stored | None = page.application.sections.get(section)
    if data is None and "check" in request.GET and page.open_one is None:
        return FORMS[section].checking(stored, page.about)
    only = page.open_one.fields_open(section) if page.open_one else None
    return FORMS[section](data, about=page.about, stored=stored, only=only)


def _part(
    application: Application, about: Circumstances, section: Section, data: Mapping[str, Any] | None
) -> RowPart:
    rows: list[Stored] = application.sections.get(section, [])
    bound = data if data is not None and (data.get("go") == ADD or _typed(section, data)) else None
    total = completeness.hours_of(rows) if section == Section.EDUCATION else ""
    return RowPart(
        section=section,
        rows=[_row(application, section, row) for row in rows],
        heads=[column.label for column in COLUMNS[section]][2:],
        form=ROW_FORMS[section](bound, about=about, others=rows),
        total=str(total),
    )


def _typed(section: Section, data: Mapping[str, Any]) -> bool:
    """Whether something was typed into the blank row: it is added even when 下一步 was pressed."""
    return any(str(value).strip() for name, value in data.items() if name.startswith(f"{section}-"))


def _row(application: Application, section: Section, row: Stored) -> dict[str, Any]:
    """A row as the table shows it: 起止时间 leads to editing."""
    first, second, *rest = COLUMNS[section]
    return {
        "span": f"{first.show(row['from'])} — {second.show(row['to'])}",
        "url": reverse("row", args=[application.pk, section, row["id"]]),
        "cells": [(column.label, column.show(row.get(column.name))) for column in rest],
    }


def _post(request: HttpRequest, page: Page) -> HttpResponse | None:
    """Save what is right; None when something is left to mend."""
    try:
        return _saved(request, page)
    except Refusal as no:
        messages.error(request, str(no.message))
        return redirect("application", page.application.pk)


def _saved(request: HttpRequest, page: Page) -> HttpResponse | None:
    go = request.POST.get("go", NEXT)
    photo_ok = _keep_photo(request, page)
    forms_ok = [_keep_form(page, form) for form in page.forms]
    rows_ok = [_keep_row(page, part) for part in page.parts]
    page.application.refresh_from_db(fields=["sections", "saved_at", "photo"])
    if go == ADD and all(rows_ok) and photo_ok:
        return redirect(f"{page.url}#rows")
    if go == ADD or not (photo_ok and all(forms_ok) and all(rows_ok)):
        return None
    for form in page.forms:
        for warning in form.warnings:
            messages.warning(request, str(warning))
    return HttpResponseRedirect(_onward(request, page))


def _onward(request: HttpRequest, page: Page) -> str:
    """Where 下一步 leads: back to the list of a correction, else to the next step."""
    if page.open_one is not None:
        messages.success(request, gettext("已保存，请继续处理其他补正事项，全部完成后重新上报。"))
        return reverse("correction", args=[page.application.pk])
    steps = flows.steps_of(page.application.kind, hours_count=page.about.hours_count)
    following = flows.after(steps, page.step)
    filing.stand_on(application=page.application, step=following.slug)
    return step_url(page.application, following)


def _keep_photo(request: HttpRequest, page: Page) -> bool:
    if page.photo is None or not page.photo.is_valid():
        return page.photo is None
    upload: UploadedFile[Any] | None = page.photo.cleaned_data["file"]
    if upload is None:
        return True
    try:
        # Never read more of a file than can be a photo.
        portrait = filing.attach_photo(application=page.application, upload=upload.read(LARGEST_FILE + 1))
    except ValidationError as error:
        page.photo.add_error("file", error)
        return False
    for warning in portrait.warnings:
        messages.warning(request, str(warning))
    return True


def _keep_form(page: Page, form: SectionForm) -> bool:
    valid = form.is_valid()
    filing.save_step(application=page.application, section=form.section, data=form.storable())
    return valid


def _keep_row(page: Page, part: RowPart) -> bool:
    if not part.form.is_bound:
        return True
    if not part.form.is_valid():
        return False
    filing.add_row(application=page.application, section=part.section, row=part.form.row())
    return True


# --- What every step shows -------------------------------------------------------------------------

ADVICE: Final = {
    "personal": _("姓名和证件来自资格证书名册，不能修改；如有错误，请联系注册机构更正。"),
    "registration": _("填写需要变更的内容。变更办理期间不得执业，注册有效期不变。"),
    "employer": _("填写现在聘用您的单位。每人只能在一个单位注册。"),
    "education": _("填写已完成的继续教育，每项一行。"),
    "experience": _("填写从事安全生产相关业务的工作经历，每段一行；填好一段后点击“添加”。"),
}


def _step_context(page: Page) -> dict[str, Any]:
    application, about = page.application, page.about
    findings = completeness.check(application, about)
    last_of_form = flows.after(findings.steps, page.step) is flows.PREVIEW
    return {
        **frame(application, about, page.step, findings),
        "page": page,
        "advice": ADVICE.get(page.step.slug, ""),
        "last": last_of_form,
        "locked": _locked(page),
        "qualification": about.qualification,
        "category": codes.label("category", about.qualification.category) if about.qualification else "",
        "registration": about.registration if page.step.slug in ("registration", "employer") else None,
        "registered_category": codes.label("category", about.registration.category)
        if about.registration
        else "",
        "gender": codes.label("sex", about.person.sex),
        "correcting": page.open_one,
        "ce_required": about.policy.ce_hours_required,
    }


def _locked(page: Page) -> bool:
    """Whether the block of the roster's data stands on this page."""
    return Section.PERSONAL in page.step.sections and page.open_one is None


# --- A row -----------------------------------------------------------------------------------------


@applicant_required
@never_cache
@require_http_methods(["GET", "POST"])
def row(request: ApplicantRequest, application_id: UUID, section: str, row_id: str) -> HttpResponse:
    """Change or delete one row: reached by clicking its 起止时间."""
    application = own_application(request, application_id)
    if section not in ROWS:
        raise Http404
    rows: list[Stored] = application.sections.get(section, [])
    which, open_one = Section(section), corrections.of(application)
    about = circumstances.of(application, under=open_one.policy if open_one else None)
    found = flows.step_of_section(application.kind, section, hours_count=about.hours_count)
    if found is None:
        raise Http404
    back = f"{step_url(application, found)}#rows"
    known = next((one for one in rows if one["id"] == row_id), None)
    if known is None:
        messages.error(request, str(filing.row_gone().message))
        return redirect(back)
    others = [one for one in rows if one is not known]
    form = ROW_FORMS[which](posted(request), about=about, stored=known, others=others)
    if request.method == "POST":
        try:
            if request.POST.get("go") == DELETE:
                filing.delete_row(application=application, section=which, row_id=row_id)
                messages.success(request, gettext("已删除%(span)s。") % {"span": completeness.span_of(known)})
                return redirect(back)
            if form.is_valid():
                filing.change_row(application=application, section=which, row_id=row_id, row=form.row())
                for warning in form.warnings:
                    messages.warning(request, str(warning))
                return redirect(back)
        except Refusal as no:
            messages.error(request, str(no.message))
            return redirect(back if no.code == "row_gone" else reverse("application", args=[application.pk]))
    context = {"application": application, "form": form, "section": which, "back": back}
    return private(render(request, "intake/row.html", context))


# --- The channel -----------------------------------------------------------------------------------


class AgencyForm(forms.Form):
    """注册机构."""

    agency = forms.ModelChoiceField(
        queryset=search(""),
        to_field_name="code",
        error_messages={
            "required": _("请选择注册机构。"),
            "invalid_choice": _("没有这个注册机构，请从列表中选择。"),
        },
    )


def _after_channel(application: Application, about: Circumstances, found: Step) -> Step:
    """The next step; from the side page back to where the applicant stood."""
    if found is flows.SIDE_CHANNEL:
        return _where_to_go_on(application)
    return flows.after(flows.steps_of(application.kind, hours_count=about.hours_count), found)


def _channel_page(
    request: HttpRequest, application: Application, about: Circumstances, found: Step
) -> HttpResponse:
    """选择注册渠道: channel, then agency; suspended agencies are shown with the reason."""
    if application.status != Application.Status.DRAFT:
        raise Http404
    form = AgencyForm(posted(request))
    if form.is_valid():
        try:
            filing.choose_agency(application=application, agency=form.cleaned_data["agency"])
        except Refusal as no:
            form.add_error("agency", str(no.message))
        else:
            return redirect(step_url(application, _after_channel(application, about, found)))
    if found is not flows.SIDE_CHANNEL:
        filing.stand_on(application=application, step=found.slug)
    query = request.GET.get("q", "").strip()[:60]
    channel = request.GET.get("channel", "") or about.channel or "1"
    if channel not in CHANNELS:
        channel = "1"
    shown = search(query) if query else search("").filter(kind=CHANNELS[channel])
    picked = form["agency"].data or (about.agency.code if about.agency else "")
    context = {
        **frame(application, about, found, completeness.check(application, about)),
        "channels": _channel_tabs(channel, query),
        "channel": channel,
        "query": query,
        "agencies": sorted(shown, key=lambda one: one.code != picked),
        "picked": picked,
        "faults": [{"message": error, "href": "#agencies"} for error in form.errors.get("agency", [])],
    }
    return private(render(request, "intake/channel.html", context))


def _channel_tabs(current: str, query: str) -> list[dict[str, Any]]:
    counts = dict(search("").order_by().values_list("kind").annotate(Count("pk")))
    return [
        {
            "label": codes.label("channel", code),
            "url": f"?channel={code}",
            "current": code == current and not query,
            "count": counts.get(kind, 0),
        }
        for code, kind in CHANNELS.items()
    ]
