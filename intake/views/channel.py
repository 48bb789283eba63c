"""选择注册渠道: the channel and the agency of an application, with a helper for those who do not know."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from intake import channels, completeness, filing, flows
from intake.channels import NO, YES, Advice, Answers, Listed, Question
from intake.circumstances import CHANNELS, Circumstances
from intake.flows import Section, Step
from intake.forms import exam_category
from intake.models import Application
from intake.views.agencies import query_of
from intake.views.found import posted, private
from intake.views.frame import frame, step_url
from register import codes
from tenants import directory
from tenants.errors import Refusal
from tenants.models import Agency

Text = str | Promise

# In the page's address: the helper is in use; the question to be answered anew.
HELPER, AGAIN = "helper", "ask"


class AgencyForm(forms.Form):
    """注册机构: one of the list, by its code."""

    agency = forms.ChoiceField(
        error_messages={
            "required": _("请选择注册机构。"),
            "invalid_choice": _("没有这个注册机构，请从列表中选择。"),
        },
    )

    def __init__(self, data: Mapping[str, Any] | None, agencies: Listed) -> None:
        super().__init__(data)
        self.fields["agency"].choices = [(code, code) for code in agencies]  # type: ignore[attr-defined]


def channel_page(
    request: HttpRequest, application: Application, about: Circumstances, found: Step
) -> HttpResponse:
    """选择注册渠道: by three questions, from the list or by a search; suspended agencies say so."""
    if application.status != Application.Status.DRAFT:
        raise Http404
    agencies = channels.listed(directory.first_review())
    form = AgencyForm(posted(request), agencies)
    if form.is_valid():
        agency = agencies[form.cleaned_data["agency"]]
        onward = _after(application, about, found)
        try:
            filing.choose_agency(application=application, agency=agency, step=onward.slug)
        except Refusal as no:
            form.add_error("agency", str(no.message))
        else:
            _warn(request, application, about, agency)
            return redirect(step_url(application, onward))
    if found is not flows.SIDE_CHANNEL:
        filing.stand_on(application=application, step=found.slug)
    helper = Helper.of(request, application, about, agencies)
    context = {
        **frame(application, about, found, completeness.check(application, about)),
        "faults": [{"message": error, "href": "#agencies"} for error in form.errors.get("agency", [])],
    }
    if isinstance(helper.outcome, Question):
        return private(
            render(
                request,
                "intake/channel_question.html",
                {**context, **_asking(request, helper, helper.outcome)},
            )
        )
    return private(
        render(request, "intake/channel.html", {**context, **_listing(request, about, helper, form)})
    )


def _after(application: Application, about: Circumstances, found: Step) -> Step:
    """The next step; from the side page back to where the applicant stood."""
    steps = flows.steps_of(application.kind, hours_count=about.hours_count)
    if found is flows.SIDE_CHANNEL:
        stood_on = flows.step_named(application.kind, application.step, hours_count=about.hours_count)
        return stood_on or flows.numbered(steps)[0]
    return flows.after(steps, found)


def category_of(application: Application, about: Circumstances) -> str:
    """The category as far as it is known: as filled in, as registered, or as examined."""
    filled = (application.sections.get(Section.REGISTRATION) or {}).get("category", "")
    registered = about.registration.category if about.registration else ""
    return filled or registered or exam_category(about)


def _warn(request: HttpRequest, application: Application, about: Circumstances, agency: Agency) -> None:
    channel = next((code for code, kind in CHANNELS.items() if kind == agency.kind), "")
    hint = channels.hint(category=category_of(application, about), channel=channel)
    if hint:
        messages.warning(request, str(hint))


# --- The helper --------------------------------------------------------------------------------------

ASKED: Final[Mapping[Question, tuple[Text, Text]]] = {
    Question.MINISTRY: (
        _("单位从事的业务由下列部委主管吗？"),
        _("建筑施工由住房和城乡建设部初审，道路运输由交通运输部初审。"),
    ),
    Question.GROUP: (
        _("聘用单位属于下列中央企业吗？"),
        _("包括中央企业的各级下属单位。"),
    ),
    Question.DIRECT: (
        _("聘用单位是应急管理部的直属单位吗？"),
        _("指应急管理部直接管理的机构，不包括各省的应急管理部门。"),
    ),
    Question.PROVINCE: (_("聘用单位在哪个省（自治区、直辖市）？"), ""),
    Question.COAL: (_("您申请的注册类别是煤矿安全吗？"), ""),
}
NUMBERED: Final = (Question.MINISTRY, Question.GROUP, Question.DIRECT)
NEITHER: Final[Mapping[Question, Text]] = {
    Question.MINISTRY: _("都不是"),
    Question.GROUP: _("都不是"),
    Question.DIRECT: _("不是"),
    Question.COAL: _("不是"),
}
BUSINESS: Final[Mapping[str, Text]] = {"mohurd": _("建筑施工"), "mot": _("道路运输")}


@dataclass(frozen=True, slots=True)
class Helper:
    """Where the three questions stand: what was answered in the address, what was known before."""

    agencies: Listed
    used: bool
    given: dict[str, str]
    answers: Answers
    outcome: Question | Advice | None

    @classmethod
    def of(
        cls, request: HttpRequest, application: Application, about: Circumstances, agencies: Listed
    ) -> Helper:
        known = channels.known(
            category=category_of(application, about),
            employer=application.sections.get(Section.EMPLOYER) or {},
            agencies=agencies,
        )
        given = {
            question.value: answer
            for question in Question
            if (answer := request.GET.get(question, "")) in _values(question, agencies)
        }
        answers = Answers(
            **{question.value: given.get(question, known.of(question)) for question in Question}
        )
        used = HELPER in request.GET
        outcome: Question | Advice | None = channels.consult(answers, agencies)
        again = request.GET.get(AGAIN, "")
        if used and again in {question.value for question in Question}:
            outcome = Question(again)
        elif not used and (isinstance(outcome, Question) or application.agency_id):
            outcome = None
        return cls(agencies, used, given, answers, outcome)

    @property
    def advice(self) -> Advice | None:
        return self.outcome if isinstance(self.outcome, Advice) else None

    def address(self, **more: str) -> str:
        """The page's address with the answers given so far."""
        kept = {HELPER: "1", **self.given} if self.used else {}
        return f"?{urlencode({**kept, **more})}"

    def so_far(self) -> list[dict[str, Text]]:
        """The answers up to here, each with the way to change it."""
        reached = list(Question)
        if isinstance(self.outcome, Question):
            reached = reached[: reached.index(self.outcome)]
        return [
            {
                "label": ASKED[question][0],
                "value": _word(question, self.answers.of(question), self.agencies),
                "change_url": self.address(**{AGAIN: question.value}),
            }
            for question in reached
            if self.answers.of(question) and _mattered(question, self.answers, self.agencies)
        ]


def _values(question: Question, agencies: Listed) -> Iterable[str]:
    if question is Question.PROVINCE:
        return channels.AGENCY_OF_PROVINCE
    if question in (Question.DIRECT, Question.COAL):
        return (YES, NO)
    return (NO, *(agency.code for agency in channels.choices_of(question, agencies)))


def _mattered(question: Question, answers: Answers, agencies: Listed) -> bool:
    """Whether the way to the advice led through this question."""
    earlier = list(Question)[: list(Question).index(question)]
    cut = Answers(**{each.value: answers.of(each) for each in earlier})
    return channels.consult(cut, agencies) is question


def _word(question: Question, answer: str, agencies: Listed) -> Text:
    if question is Question.PROVINCE:
        return codes.label("province", answer)
    if answer == NO:
        return NEITHER[question]
    return agencies[answer].name if answer in agencies else _("是")


def _asking(request: HttpRequest, helper: Helper, question: Question) -> dict[str, Any]:
    """One question: a few answers as cards, long lists below them."""
    title, help_text = ASKED[question]
    answer = helper.answers.of(question)
    query = query_of(request)
    few, many = _choices(question, helper.agencies, query)
    skipped = request.GET.get("asked") == question and not helper.given.get(question)
    return {
        "question": question,
        "number": NUMBERED.index(question) + 1 if question in NUMBERED else 0,
        "count": len(NUMBERED),
        "title": title,
        "help": help_text,
        "answer": answer,
        "choices": few,
        "listed": many,
        "listed_label": gettext("由其他部委主管（%(count)s 个）") % {"count": len(many)},
        "listed_open": any(one["value"] == answer for one in many),
        "searched": question is Question.GROUP,
        "query": query,
        "kept": {HELPER: "1", **{name: given for name, given in helper.given.items() if name != question}},
        "so_far": helper.so_far(),
        "faults": [{"message": _("请选择一项。"), "href": "#choices"}] if skipped else [],
    }


Choices = list[dict[str, Text]]


def _choices(question: Question, agencies: Listed, query: str) -> tuple[Choices, Choices]:
    """The answers that stand as cards, and the long list under them."""
    if question is Question.PROVINCE:
        return [{"value": code, "label": label} for code, label in codes.choices("province")], []
    neither: Choices = [{"value": NO, "label": NEITHER[question]}]
    found = channels.choices_of(question, agencies)
    if question is Question.MINISTRY:
        special = [agency for agency in found if agency.code in channels.SPECIAL]
        return [*_cards(special), *neither], _cards(found[len(special) :])
    if question is Question.GROUP:
        return neither, _cards(directory.find(query, found))
    return [{"value": YES, "label": _("是")}, *neither], []


def _cards(agencies: list[Agency]) -> Choices:
    """Agencies as answers; the two of the special categories by their business."""
    return [
        {"value": one.code, "label": BUSINESS[one.code], "note": one.name}
        if one.code in BUSINESS
        else {"value": one.code, "label": one.name}
        for one in agencies
    ]


# --- The list ----------------------------------------------------------------------------------------


def _listing(request: HttpRequest, about: Circumstances, helper: Helper, form: AgencyForm) -> dict[str, Any]:
    """The agencies of a channel or of a search; advised or chosen ones stand first and ticked."""
    advice = helper.advice
    advised = advice.agency if advice else None
    query = query_of(request)
    channel = request.GET.get("channel", "")
    if channel not in CHANNELS:
        channel = (advice.channel if advice else "") or about.channel or "1"
    everybody = list(helper.agencies.values())
    shown = (
        directory.find(query, everybody) if query else [a for a in everybody if a.kind == CHANNELS[channel]]
    )
    present = advised or about.agency
    picked = form["agency"].data or (present.code if present else "")
    return {
        "helper": helper,
        "advice": advice,
        "advice_channel": codes.label("channel", advice.channel) if advice else "",
        "so_far": helper.so_far() if helper.used else [],
        "channels": _tabs(channel, query, helper),
        "channel": channel,
        "query": query,
        "kept": {**({HELPER: "1", **helper.given} if helper.used else {}), "channel": channel},
        "agencies": sorted(shown, key=lambda one: one.code != picked),
        "picked": picked,
        "all_url": helper.address(channel=channel),
    }


def _tabs(current: str, query: str, helper: Helper) -> list[dict[str, Any]]:
    kinds = [agency.kind for agency in helper.agencies.values()]
    return [
        {
            "label": codes.label("channel", code),
            "url": helper.address(channel=code),
            "current": code == current and not query,
            "count": kinds.count(kind),
        }
        for code, kind in CHANNELS.items()
    ]
