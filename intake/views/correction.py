"""退回补正: answering a correction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from intake import casefile, corrections, dossier, filing, flows, held, papers
from intake.casefile import Change
from intake.circumstances import Circumstances
from intake.corrections import Item, OpenCorrection
from intake.fields import plain_line
from intake.filing import Incomplete
from intake.flows import ROWS, Section
from intake.models import Application
from intake.prints import NEXT
from intake.views.found import entry_or_404, own_application, private
from intake.views.keeping import KEEP, kept
from register import clock
from tenants.errors import Refusal
from tenants.guards import ApplicantRequest, applicant_required
from tenants.sessions import in_background

# What the buttons post as `go`.
SAVE, UNPRINTED = "save", "unprinted"
LONGEST_ANSWER: Final = 500


@dataclass(frozen=True, slots=True)
class Mended:
    """What the application says now, beside what the agency looked at."""

    about: Circumstances
    content: dict[str, Any]
    changes: tuple[Change, ...]

    @property
    def form_changed(self) -> bool:
        """The signed form says something else now: it must be printed, signed and sealed anew."""
        return any(change.on_form for change in self.changes)

    def printed(self, application: Application) -> bool:
        """Whether the form has been printed as it is now."""
        return application.printed_digest == dossier.digest_of(self.content)


@applicant_required
@never_cache
@require_http_methods(["GET", "POST"])
def correction(request: ApplicantRequest, application_id: UUID) -> HttpResponse:
    """退回补正: the items, a way to mend each, an answer in words, 重新上报."""
    application = own_application(request, application_id)
    open_one = corrections.of(application)
    if open_one is not None and request.method == "POST":
        answer = _posted(request, application, open_one)
        if answer is not None:
            return answer
        open_one = corrections.of(application)
    if open_one is None:
        return _nothing_to_answer(request, application)
    return _page(request, application, open_one, held.typed(request) or QueryDict())


def _nothing_to_answer(request: HttpRequest, application: Application) -> HttpResponse:
    """The correction has been answered already, in another window or by an earlier click."""
    entry_or_404(application)
    if in_background(request):
        return JsonResponse({}, status=409)
    if request.method == "POST":
        messages.info(request, _("补正已经重新上报，或者期限已过，没有重复上报。"))
    return redirect("application", application.pk)


def _posted(request: HttpRequest, application: Application, open_one: OpenCorrection) -> HttpResponse | None:
    """Keep the answers, and lodge again where that was asked for; None to show the page again."""
    if request.POST.get("number", str(open_one.number)) != str(open_one.number):
        return _overtaken(request)
    typed = (request.POST.get(f"answer-{n}", "") for n in range(len(open_one.items)))
    texts = [plain_line(text)[:LONGEST_ANSWER] for text in typed]
    try:
        filing.answer(application=application, number=open_one.number, answers=texts)
    except Refusal:
        return _nothing_to_answer(request, application)
    go = request.POST.get("go")
    background = kept(request, application, whole=True) if go == KEEP else None
    if background is not None:
        return background
    if go in (SAVE, KEEP):
        messages.success(request, _("答复已保存。"))
        return redirect("correction", application.pk)
    application.refresh_from_db(fields=["sections", "saved_at", "printed_digest"])
    if go != UNPRINTED and _print_is_old(application):
        return _ask_to_print(request, application)
    return _resubmitted(request, application)


def _overtaken(request: HttpRequest) -> HttpResponse | None:
    """The answers were written to an earlier correction: shown again beside the new items, not kept."""
    if in_background(request):
        return JsonResponse({}, status=409)
    messages.error(request, _("补正要求已经更新，请按新的事项核对刚才填写的答复，再提交一次。"))
    return None


def _resubmitted(request: HttpRequest, application: Application) -> HttpResponse | None:
    try:
        filing.resubmit(application=application)
    except Incomplete as missing:
        for fault in missing.findings.misses:
            messages.error(request, str(fault.message))
        return None
    except Refusal as no:
        if no.code == "no_correction":
            return _nothing_to_answer(request, application)
        messages.error(request, str(no.message))
        return None
    return redirect("receipt", application.pk)


# --- A new print -----------------------------------------------------------------------------------


def _print_is_old(application: Application) -> bool:
    """Every item is settled, the form says something else, and as it is now it was not printed."""
    open_one = corrections.of(application)
    if open_one is None:
        return False
    mended = _mended(application, open_one)
    settled = all(item.is_answered(mended.content, open_one.lodged) for item in open_one.items)
    return settled and mended.form_changed and not mended.printed(application)


def _ask_to_print(request: HttpRequest, application: Application) -> HttpResponse:
    context = {
        "title": _("申请表已修改，新的申请表打印了吗？"),
        "lines": [
            _("您修改的内容在申请表上。原来签字盖章的申请表与现在的内容不一致，不能再用。"),
            _("请打印新的申请表，本人签字、单位盖章后交给注册机构；也可以先上报，再从回执页打印。"),
        ],
        **next_form_urls(application),
        "act_label": _("重新上报"),
        "hidden": _posted_again(request),
        "cancel_url": reverse("correction", args=[application.pk]),
        "cancel_label": _("返回修改"),
    }
    return private(render(request, "intake/print_first.html", context))


def _posted_again(request: HttpRequest) -> list[tuple[str, str]]:
    answers = [(name, request.POST[name]) for name in request.POST if name.startswith("answer-")]
    return [*answers, ("number", request.POST.get("number", "")), ("go", UNPRINTED)]


def next_form_urls(application: Application) -> dict[str, str]:
    """The prints of the form as it would be lodged again now."""
    pdf, word = (reverse(name, args=[application.pk]) for name in ("form_pdf", "form_word"))
    return {"print_url": f"{pdf}?version={NEXT}", "word_url": f"{word}?version={NEXT}"}


# --- The page --------------------------------------------------------------------------------------


def _mended(application: Application, open_one: OpenCorrection) -> Mended:
    about = corrections.circumstances_of(application, open_one)
    content = dossier.content_of(application, about)
    return Mended(about, content, tuple(casefile.differences(open_one.lodged, content)))


def _page(
    request: HttpRequest, application: Application, open_one: OpenCorrection, typed: QueryDict
) -> HttpResponse:
    mended = _mended(application, open_one)
    items = [
        {
            "number": number,
            "item": item,
            "url": _url_of(item, application, mended.about),
            "done": item.is_answered(mended.content, open_one.lodged),
            "answer": typed.get(f"answer-{number}", item.answer),
        }
        for number, item in enumerate(open_one.items)
    ]
    entry = entry_or_404(application)
    context = {
        "application": application,
        "correction": open_one,
        "items": items,
        "done": sum(bool(item["done"]) for item in items),
        "left": clock.working_days_left(open_one.due_on) if open_one.due_on else None,
        "asking": entry.agency,
        "changes": mended.changes,
        "form_changed": mended.form_changed,
        "printed": mended.printed(application),
        **next_form_urls(application),
        "longest": LONGEST_ANSWER,
    }
    return private(render(request, "intake/correction.html", context))


def _url_of(item: Item, application: Application, about: Circumstances) -> str:
    """The field to mend, on its page; empty where it cannot be mended here and is answered in words."""
    if not item.editable:
        return ""
    if item.section == papers.SECTION:
        return f"{reverse('papers', args=[application.pk])}#paper-{item.field}"
    in_photo = item.section == corrections.PHOTO
    section = Section.PERSONAL if in_photo else item.section
    page = flows.step_of_section(application.kind, section, hours_count=about.hours_count)
    if page is None:
        return ""
    place = "main"
    if in_photo:
        place = "photo"
    elif item.section in ROWS:
        place = "rows"
    elif item.field:
        place = f"id_{item.section}-{item.field}"
    return f"{reverse('step', args=[application.pk, page.slug])}#{place}"
