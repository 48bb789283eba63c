"""The steps of an application: one page per step, one form on the page, everything saved on the server."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, cast
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from intake import circumstances, completeness, contact, corrections, filing, flows, held, photos, signin
from intake.circumstances import CHOOSES_AGENCY, Circumstances
from intake.corrections import OpenCorrection
from intake.filing import AnotherDraft, Entries
from intake.flows import ROWS, Section, Step
from intake.forms import FORMS, SectionForm, Stored, labelled
from intake.models import Application
from intake.photos import LARGEST_FILE, Portrait
from intake.views.channel import channel_page
from intake.views.found import own_application, private
from intake.views.frame import frame, fresh_navigator, navigator, no_such_page, step_url, stood_on
from intake.views.giving_up import started
from intake.views.keeping import KEEP, kept, not_kept, says_all
from intake.views.lodging import lodged_already
from intake.views.preview import preview
from intake.views.rows import ADD, RowPart, part_of
from intake.views.rows import show as show_rows
from register import codes, eligibility, policy
from register.models import Kind
from tenants.errors import Refusal
from tenants.guards import ApplicantRequest, applicant_required
from tenants.models import User
from tenants.sessions import in_background

# --- Beginning -------------------------------------------------------------------------------------


@applicant_required
@never_cache
@require_http_methods(["GET", "POST"])
def application_new(request: ApplicantRequest, kind: str) -> HttpResponse:
    """The navigator of a kind with 开始…注册; with a draft of another kind it asks first."""
    if kind not in Kind:
        raise Http404
    chosen, person = Kind(kind), signin.person_of(request)
    if request.method == "POST":
        return _begin(request, chosen)
    known = filing.draft_of(person)
    draft = known if known is not None and known.kind == chosen else None
    answer = eligibility.may_apply(person, chosen) if draft is None else None
    rules = policy.current()
    context = {
        "guide": flows.guide_of(chosen, rules),
        "rules": rules,
        "draft": draft,
        "answer": answer,
        **(_begun(draft) if draft else {"steps": fresh_navigator(chosen, late=bool(answer and answer.late))}),
    }
    return private(render(request, "intake/new.html", context))


def _begin(request: HttpRequest, chosen: Kind) -> HttpResponse:
    """开始…注册: to the first step of a new draft, or to where the one there is was left."""
    try:
        draft = started(request, chosen)
    except AnotherDraft as other:
        return _ask_to_discard(request, chosen, other.draft)
    except Refusal as no:
        messages.error(request, str(no.message))
        return redirect("home")
    if chosen not in CHOOSES_AGENCY and not (draft.agency and draft.agency.intake_open):
        messages.info(request, gettext("您的注册没有可以接收申请的注册机构，请先选择一个。"))
        return redirect(step_url(draft, flows.SIDE_CHANNEL))
    return redirect(step_url(draft, stood_on(draft)))


def _begun(draft: Application) -> dict[str, Any]:
    """The navigator of a draft that has been begun: done, next, and what blocks."""
    about = circumstances.of(draft)
    return {"steps": navigator(draft, completeness.check(draft, about)), "reference": draft.reference}


def _ask_to_discard(request: HttpRequest, kind: Kind, draft: Application) -> HttpResponse:
    context = {
        "title": gettext("开始%(kind)s前，要放弃另一份草稿吗？") % {"kind": kind.label},
        "lines": [
            gettext("您有一份未上报的%(kind)s申请（%(reference)s），每人同时只能有一份草稿。")
            % {"kind": draft.get_kind_display(), "reference": draft.reference}
        ],
        "warning": _("放弃后，草稿中填写的内容不能恢复。"),
        "hidden": [("discard", draft.pk)],
        "act_label": gettext("放弃草稿，开始%(kind)s") % {"kind": kind.label},
        "tone": "danger",
        "cancel_url": step_url(draft, stood_on(draft)),
        "cancel_label": _("继续填写原来的草稿"),
    }
    return render(request, "components/confirm.html", context)


# --- One step --------------------------------------------------------------------------------------


class PhotoForm(forms.Form):
    """照片: one portrait."""

    file = forms.FileField(
        label=_("照片"),
        required=False,
        help_text=_(
            "近期免冠正面证件照，白底。可以直接选择手机拍摄的照片，选择后在本页裁剪；不能裁剪的，"
            "请上传 20 KB 至 2 MB、不小于 295×413 像素、宽高比 5:7 的 JPG 照片。"
        ),
        widget=forms.FileInput(attrs={"accept": "image/jpeg,image/png", "data-crop": "295x413"}),
    )

    def __init__(self, files: Any = None) -> None:
        super().__init__({} if files is not None else None, files, prefix="photo")


@dataclass(slots=True)
class Page:
    """A step as it is shown and posted."""

    application: Application
    about: Circumstances
    step: Step
    open_one: OpenCorrection | None
    # What its author had typed when the session ended stands on the page, and is not saved yet.
    given_back: bool = False
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
            for name in form.fields
            for error in form.errors.get(name, ())
        ]

    @property
    def url(self) -> str:
        return step_url(self.application, self.step)


@applicant_required
@never_cache
@require_http_methods(["GET", "POST"])
def step(request: ApplicantRequest, application_id: UUID, slug: str) -> HttpResponse:
    """One step of the wizard; of a lodged application only what an open correction names."""
    application = own_application(request, application_id, to_print=slug == flows.PREVIEW.slug)
    open_one = corrections.of(application)
    about = corrections.circumstances_of(application, open_one)
    found = flows.step_named(application.kind, slug, hours_count=about.hours_count)
    if found is None:
        if slug not in flows.SLUGS:
            raise Http404
        return no_such_page(request, application)
    if application.status != Application.Status.DRAFT and open_one is None:
        return lodged_already(request, application, found)
    if found is flows.PREVIEW and open_one is None:
        return preview(request, application, about)
    if Section.CHANNEL in found.sections and open_one is None:
        return channel_page(request, application, about, found)
    page = _page(request, application, about, found, open_one)
    if not (page.forms or page.parts or page.photo):
        messages.info(request, gettext("这一步没有需要补正的内容。"))
        return redirect("correction", application.pk)
    answer = _post(request, page) if request.method == "POST" else None
    if answer is None:
        filing.stand_on(application=page.application, step=found.slug)
        answer = private(render(request, "intake/step.html", _step_context(page)))
    return answer


def _page(
    request: HttpRequest,
    application: Application,
    about: Circumstances,
    found: Step,
    open_one: OpenCorrection | None,
) -> Page:
    data = held.typed(request)
    page = Page(application, about, found, open_one, given_back=held.given_back(request))
    sections = [s for s in found.sections if open_one is None or s in open_one.sections]
    for section in sections:
        if section in ROWS:
            page.parts.append(part_of(application, about, section, data))
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


def _post(request: HttpRequest, page: Page) -> HttpResponse | None:
    """Save what is right; None when something is left to mend."""
    try:
        if request.POST.get("go") == KEEP:
            return _kept(request, page)
        return _saved(request, page)
    except Refusal as no:
        if in_background(request):
            return not_kept(no)
        messages.error(request, str(no.message))
        return redirect("application", page.application.pk)


def _saved(request: HttpRequest, page: Page) -> HttpResponse | None:
    adds = request.POST.get("go") == ADD
    entries, whole = _entries(page)
    following = _following(page) if whole and not adds and page.open_one is None else None
    if entries.parts:
        page.application = filing.save(
            application=page.application,
            entries=entries,
            step=following.slug if following else "",
            along=_contact_kept(request, entries),
        )
    elif following:
        filing.stand_on(application=page.application, step=following.slug)
    _say_warnings(request, page, entries)
    if adds and _row_added(page, entries):
        return redirect(f"{page.url}#rows")
    if adds or not whole:
        # What has been saved stands as stored; a row that has been added stands in the list only.
        page.parts = [_listed(page, part, entries) for part in page.parts]
        if adds:
            page.forms = [_settled(request, page, form) for form in page.forms]
        return None
    return HttpResponseRedirect(_onward(request, page, following))


def _listed(page: Page, part: RowPart, entries: Entries) -> RowPart:
    return part_of(page.application, page.about, part.section, None) if part.section in entries.rows else part


def _settled(request: HttpRequest, page: Page, form: SectionForm) -> SectionForm:
    """Who adds a row is not told what is missing elsewhere on the page, only what is wrong."""
    return _form(request, page, form.section, None) if says_all(form) else form


def _contact_kept(request: HttpRequest, entries: Entries) -> Callable[[], None] | None:
    """The account takes over how its owner can be reached, where it does not know yet."""
    typed = entries.sections.get(Section.PERSONAL)
    if typed is None:
        return None
    return lambda: contact.keep(user=cast(User, request.user), typed=typed)


def _row_added(page: Page, entries: Entries) -> bool:
    """Whether 添加 did what was asked, and nothing that was typed beside it is wrong."""
    photo_ok = page.photo is None or not page.photo.errors
    return len(entries.rows) == len(page.parts) and photo_ok and all(says_all(form) for form in page.forms)


def _entries(page: Page) -> tuple[Entries, bool]:
    """What of the posted page may be kept, and whether that is all of it."""
    portrait = _portrait(page)
    bound = [part for part in page.parts if part.form.is_bound]
    good = [part for part in bound if part.form.is_valid()]
    forms_ok = [form.is_valid() for form in page.forms]
    entries = Entries(
        sections={form.section: form.storable() for form in page.forms},
        rows={part.section: part.form.row() for part in good},
        portrait=portrait,
    )
    photo_ok = page.photo is None or not page.photo.errors
    return entries, photo_ok and all(forms_ok) and len(good) == len(bound)


def _portrait(page: Page) -> Portrait | None:
    """The photo that was sent, if it is a usable one; else its fault stands beside the field."""
    if page.photo is None or not page.photo.is_valid():
        return None
    upload: UploadedFile[Any] | None = page.photo.cleaned_data["file"]
    if upload is None:
        return None
    try:
        # Never read more of a file than can be a photo.
        portrait = photos.read(upload.read(LARGEST_FILE + 1), ground=page.about.policy.photo_background)
        photos.check_number(page.application.person, portrait)
    except ValidationError as error:
        page.photo.add_error("file", error)
        return None
    return portrait


def _say_warnings(request: HttpRequest, page: Page, entries: Entries) -> None:
    """What an officer may object to is said once, on the page that comes next."""
    warnings = [warning for form in page.forms if form.is_valid() for warning in form.warnings]
    for warning in (*warnings, *(entries.portrait.warnings if entries.portrait else ())):
        messages.warning(request, str(warning))


def _kept(request: HttpRequest, page: Page) -> HttpResponse | None:
    """What the page saves while it is filled in: every answer that is right, no row and no photo."""
    sections = {form.section: form.storable() for form in page.forms}
    if sections:
        page.application = filing.save(application=page.application, entries=Entries(sections=sections))
    whole = all(says_all(form) for form in page.forms) and not any(part.form.is_bound for part in page.parts)
    return kept(request, page.application, whole=whole)


def _following(page: Page) -> Step:
    steps = flows.steps_of(page.application.kind, hours_count=page.about.hours_count)
    return flows.after(steps, page.step)


def _onward(request: HttpRequest, page: Page, following: Step | None) -> str:
    """Where 下一步 leads: to the next step, or back to the list of a correction."""
    if following is not None:
        return step_url(page.application, following)
    messages.success(request, gettext("已保存，请继续处理其他补正事项，全部完成后重新上报。"))
    return reverse("correction", args=[page.application.pk])


# --- What every step shows -------------------------------------------------------------------------

ADVICE: Final = {
    "personal": _("姓名和证件来自资格证书名册，不能修改；如有错误，请联系注册机构更正。"),
    "registration": _("填写需要变更的内容。变更办理期间不得执业，注册有效期不变。"),
    "employer": _("填写现在聘用您的单位。每人只能在一个单位注册。"),
    "education": _("填写已完成的继续教育，每项一行。"),
    "experience": _("填写从事安全生产相关业务的工作经历，每段一行；填好一段后点击“添加”。"),
}


def _step_context(page: Page) -> dict[str, Any]:
    application, about, shown = page.application, page.about, page.step.sections
    findings = completeness.check(application, about)
    for part in page.parts:
        show_rows(part, application, findings)
    free = page.open_one is None
    return {
        **frame(application, about, page.step, findings),
        "page": page,
        "advice": ADVICE.get(page.step.slug, ""),
        "correcting": page.open_one,
        # What roster and register know stands on the page, and is never posted.
        "locked_person": free and Section.PERSONAL in shown,
        "gender": codes.label("sex", about.person.sex),
        "qualification": about.qualification if free and Section.REGISTRATION in shown else None,
        "qualification_level": codes.label("level", about.qualification.level) if about.qualification else "",
        "category": codes.label("category", about.qualification.category) if about.qualification else "",
        "registration": about.registration if free and Section.EMPLOYER in shown else None,
        "registered_category": codes.label("category", about.registration.category)
        if about.registration
        else "",
    }
