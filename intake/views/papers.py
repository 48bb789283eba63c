"""上传材料: the papers of an application, uploaded, looked at, taken out and put back by the applicant."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from intake import corrections, dossier, filing, flows, signin
from intake import papers as uploaded
from intake.circumstances import Circumstances
from intake.corrections import OpenCorrection
from intake.models import Application, Paper
from intake.papers import Part
from intake.views import paper_files
from intake.views.found import own_application, private
from register import printing, uploads
from tenants.errors import Refusal
from tenants.guards import ApplicantRequest, applicant_required

PREVIEW = "preview"


@applicant_required
@never_cache
@require_http_methods(["GET", "POST"])
def papers(request: ApplicantRequest, application_id: UUID) -> HttpResponse:
    """What is to be handed in, and where the agency takes files, what has been uploaded."""
    application = own_application(request, application_id)
    if request.method == "POST":
        return _uploaded(request, application)
    open_one = corrections.of(application)
    about = corrections.circumstances_of(application, open_one)
    part = _part(application, about, open_one)
    context = _context(request, application, part, open_one)
    template = "intake/papers_part.html" if "part" in request.GET else "intake/papers.html"
    return private(render(request, template, context))


def _part(application: Application, about: Circumstances, open_one: OpenCorrection | None) -> Part:
    if application.status == Application.Status.DRAFT:
        digest = dossier.freeze(application, about).digest if uploaded.takes_uploads(about.agency) else ""
        return uploaded.part_of(application, about, digest=digest)
    if open_one is None:
        return uploaded.part_of(application, about, only=frozenset())
    digest = dossier.freeze(application, about, answers=open_one.answers).digest
    return uploaded.part_of(application, about, digest=digest, only=open_one.papers_open)


def _context(
    request: HttpRequest, application: Application, part: Part, open_one: OpenCorrection | None
) -> dict[str, Any]:
    if open_one is not None:
        back = (reverse("correction", args=[application.pk]), _("补正事项"))
    elif application.status == Application.Status.DRAFT:
        back = (reverse("step", args=[application.pk, flows.PREVIEW.slug]), _("预览、打印和上报"))
    else:
        back = (reverse("application", args=[application.pk]), _("查看申请"))
    return {
        "application": application,
        "part": part,
        "back": request.GET.get("part", ""),
        "back_url": back[0],
        "back_label": back[1],
        "correcting": open_one,
        "reference": application.reference,
        # The same page on the telephone, where papers are photographed.
        "phone_code": printing.qr_svg(request.build_absolute_uri(request.path)) if part.uploads else "",
    }


# --- Uploading -------------------------------------------------------------------------------------


def _uploaded(request: ApplicantRequest, application: Application) -> HttpResponse:
    """Take the files of one paper; each that is refused is named with its reason, the others stay."""
    open_one = corrections.of(application)
    about = corrections.circumstances_of(application, open_one)
    code = request.POST.get("code", "")
    files = request.FILES.getlist("files")
    kept: list[Paper] = []
    faults: list[str] = [] if files else [_("请先选择文件。")]
    for file in files:
        name = uploaded.name_of(file.name or "")
        try:
            kept.append(
                filing.attach_paper(application=application, code=code, upload=file, name=name, about=about)
            )
        except ValidationError as error:
            faults += [_("%(name)s：%(error)s") % {"name": name, "error": text} for text in error.messages]
            if error.code in uploads.STRAINED:
                break
        except Refusal as no:
            faults.append(str(no.message))
            break
        application.refresh_from_db(fields=["sections", "saved_at"])
    return _answered(request, application, code, kept, faults)


def _answered(
    request: HttpRequest, application: Application, code: str, kept: list[Paper], faults: list[str]
) -> HttpResponse:
    """A page that uploads by itself gets JSON, a form that was sent by hand comes back to its paper."""
    if request.headers.get("accept") == "application/json":
        return JsonResponse({"faults": faults}, status=422 if faults else 200)
    if kept:
        count = {"count": len(kept), "paper": uploaded.label_of(code)}
        messages.success(request, _("已上传 %(count)s 个文件：%(paper)s。") % count)
    for fault in faults:
        messages.error(request, fault)
    return _back(request, application, code)


def _back(request: HttpRequest, application: Application, code: str) -> HttpResponse:
    """To the page with this part on it: the preview, or the page of its own."""
    if request.POST.get("back") == PREVIEW and application.status == Application.Status.DRAFT:
        url = reverse("step", args=[application.pk, flows.PREVIEW.slug])
    else:
        url = reverse("papers", args=[application.pk])
    return HttpResponseRedirect(f"{url}#paper-{code}" if uploaded.is_code(code) else url)


# --- Taking out, putting back ----------------------------------------------------------------------


@applicant_required
@require_POST
def paper_removal(request: ApplicantRequest, paper_id: UUID) -> HttpResponse:
    """Take a paper out of the application; it stays below and can be put back."""
    paper = _own(request, paper_id)
    try:
        filing.take_out_paper(application=paper.application, paper=paper)
    except Refusal as no:
        messages.error(request, str(no.message))
    else:
        messages.success(request, _("已删除%(name)s；需要时可以恢复。") % {"name": paper.name})
    return _back(request, paper.application, paper.code)


@applicant_required
@require_POST
def paper_return(request: ApplicantRequest, paper_id: UUID) -> HttpResponse:
    """Put back a paper that was taken out."""
    paper = _own(request, paper_id)
    try:
        filing.put_back_paper(application=paper.application, paper=paper)
    except Refusal as no:
        messages.error(request, str(no.message))
    else:
        messages.success(request, _("已恢复%(name)s。") % {"name": paper.name})
    return _back(request, paper.application, paper.code)


# --- Looking ---------------------------------------------------------------------------------------


def _own(request: ApplicantRequest, paper_id: UUID) -> Paper:
    """A paper of the person at the screen; anybody else's is not found."""
    mine = filing.applications_of(signin.person_of(request)).exclude(status=Application.Status.DISCARDED)
    paper = uploaded.without_bytes(Paper.objects.filter(pk=paper_id)).first()
    application = mine.filter(pk=paper.application_id).first() if paper else None
    if paper is None or application is None:
        raise Http404
    paper.application = application
    return paper


@applicant_required
@require_safe
def paper(request: ApplicantRequest, paper_id: UUID) -> HttpResponse:
    """A paper as it is kept."""
    found = _own(request, paper_id)
    return paper_files.whole(found, found.application.reference)


@applicant_required
@require_safe
def paper_page(request: ApplicantRequest, paper_id: UUID, number: int) -> HttpResponse:
    """One page of a paper as a picture."""
    found = _own(request, paper_id)
    return paper_files.page(found, found.application.reference, number)


@applicant_required
@require_safe
def paper_thumbnail(request: ApplicantRequest, paper_id: UUID) -> HttpResponse:
    """The first page of a paper, small."""
    found = _own(request, paper_id)
    return paper_files.thumbnail(found, found.application.reference)
