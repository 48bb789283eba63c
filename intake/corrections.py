"""The open correction of a lodged application (补正): what may be changed, and whether it is answered.

Only what the agency named can be edited; what cannot be edited here (papers, the roster's data) is
answered in words.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from intake import circumstances, flows, papers
from intake.circumstances import Circumstances
from intake.flows import ROWS, Section
from intake.models import Application
from register import codes, materials
from register.models import DocketEntry
from register.policy import Policy
from review.models import Case
from review.sections import PAPERS, item_label
from review.states import State
from tenants import crossing
from tenants.models import Agency

# The applicant's words to each item, in `Application.sections`.
ANSWERS: Final = "answers"
PHOTO: Final = "photo"
# Chosen with the agency, and given once for all when lodging.
NEVER_OPEN: Final = frozenset({Section.CHANNEL, Section.DECLARATION})
# Fields of which none can be mended without the others.
TOGETHER: Final[dict[str, tuple[frozenset[str], ...]]] = {
    Section.EMPLOYER: (frozenset({"contract_from", "contract_to", "contract_open_ended"}),),
    Section.REGISTRATION: (frozenset({"change_items", "category"}),),
}


@dataclass(frozen=True, slots=True)
class Item:
    """One fault the agency named: section or field, reason, what to mend, and the applicant's answer."""

    key: str
    section: str
    field: str
    code: str
    text: str
    answer: str
    editable: bool

    @classmethod
    def of(cls, told: dict[str, str], answer: str, open_to_change: frozenset[str]) -> Item:
        """An item as told; `open_to_change` are the sections that have a page in this application."""
        key = told.get("item", "")
        section, _dot, field = key.partition(".")
        editable = section in open_to_change
        return cls(key, section, field, told.get("code", ""), told.get("text", ""), answer, editable)

    @property
    def reason(self) -> str:
        """The reason code in words."""
        return codes.label("reason", self.code) if self.code else ""

    @property
    def label(self) -> str:
        """Section and field in words."""
        return item_label(self.key)

    def is_answered(self, content: dict[str, Any], lodged: dict[str, Any]) -> bool:
        """Changed since the version the agency looked at, or answered in words."""
        return bool(self.answer) or (self.editable and self._is_changed(content, lodged))

    def _is_changed(self, content: dict[str, Any], lodged: dict[str, Any]) -> bool:
        now, before = self._value(content), self._value(lodged)
        if self.section == PAPERS:
            # Taking a file away mends nothing: there must be one that was not there.
            return not set(now) <= set(before)
        return bool(now != before)

    def _value(self, content: dict[str, Any]) -> Any:
        part = content.get(self.section)
        if self.section == PAPERS:
            return [paper["sha256"] for paper in part or () if paper["code"] == self.field]
        return part.get(self.field) if self.field and isinstance(part, dict) else part


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenCorrection:
    """The correction that waits for the applicant, and the dossier version it speaks of."""

    number: int
    reason: str
    told_at: datetime
    due_on: date | None
    provisional: bool
    items: tuple[Item, ...]
    lodged: dict[str, Any]
    # Frozen with the case when it was lodged.
    policy: Policy
    # Which asks: after a hand-over another one than the applicant chose.
    agency: Agency
    # Whether papers are answered by files here, not on paper only.
    takes_uploads: bool = False

    @property
    def sections(self) -> frozenset[str]:
        """The sections of which something may be changed."""
        return frozenset(item.section for item in self.items if item.editable)

    def fields_open(self, section: str) -> frozenset[str] | None:
        """The fields of a section that may be changed; None for all of them."""
        fields = {item.field for item in self.items if item.section == section}
        if "" in fields or section in ROWS:
            return None
        return frozenset(fields.union(*(group for group in TOGETHER.get(section, ()) if group & fields)))

    def permitted(self, section: str, data: dict[str, Any]) -> dict[str, Any]:
        """Of what is typed into a section, the fields that may be changed."""
        fields = self.fields_open(section)
        return data if fields is None else {name: value for name, value in data.items() if name in fields}

    def opens(self, section: str, field: str) -> bool:
        """Whether this field may be changed, and so whether its faults are the applicant's to mend."""
        if field == PHOTO:
            return self.photo_open
        fields = self.fields_open(section)
        return section in self.sections and (fields is None or field in fields)

    @property
    def answers(self) -> list[dict[str, str]]:
        """What goes into the new dossier version: the items answered in words."""
        return [{"item": item.key, "text": item.answer} for item in self.items if item.answer]

    @property
    def papers_open(self) -> frozenset[str]:
        """The papers that may be uploaded anew: those named, and the signed form when its content changes."""
        named = {item.field for item in self.items if item.editable and item.section == PAPERS}
        form_changes = self.takes_uploads and self.sections - {PAPERS}
        return frozenset(named | ({materials.FORM} if form_changes else set()))

    @property
    def photo_open(self) -> bool:
        return PHOTO in self.sections


def circumstances_of(application: Application, open_one: OpenCorrection | None) -> Circumstances:
    """The circumstances of a draft, or of a lodged application as its open correction sees them."""
    if open_one is None:
        return circumstances.of(application, agency=_agency_now(application))
    return circumstances.of(
        application, under=open_one.policy, opened=open_one.sections, agency=open_one.agency
    )


def _agency_now(application: Application) -> Agency | None:
    """Which agency has a lodged application: a hand-over leaves what the applicant chose as it was."""
    if application.status != Application.Status.LODGED:
        return None
    return Agency.objects.filter(docket__case_id=application.pk).first()


def of(application: Application) -> OpenCorrection | None:
    """The open correction of a lodged application; None when it is not the applicant's turn.

    Crosses into the agency, so call it before a transaction begins.
    """
    if application.status != Application.Status.LODGED:
        return None
    entry = DocketEntry.objects.select_related("agency").filter(case_id=application.pk).first()
    if entry is None or entry.state != State.CORRECTION:
        return None
    with crossing.inside(entry.agency):
        return on_case(application, Case.objects.get(pk=application.pk), entry.agency)


def on_case(application: Application, case: Case, agency: Agency) -> OpenCorrection | None:
    """The open correction of a case at this agency; stand inside it."""
    told = case.correction_requests.filter(answered_at__isnull=True).order_by("-number").first()
    if told is None or case.state != State.CORRECTION:
        return None
    known = application.sections.get(ANSWERS) or {}
    texts: list[str] = known.get("texts", []) if known.get("number") == told.number else []
    padded = [*texts, *[""] * (len(told.items) - len(texts))]
    lodged = case.dossiers.only("content").get(version=case.version).content
    rules = Policy.from_dict(case.policy)
    pages = _sections_with_a_page(application, rules, agency)
    return OpenCorrection(
        number=told.number,
        reason=told.reason,
        told_at=told.told_at,
        due_on=case.due_on,
        provisional=case.due_provisional,
        items=tuple(Item.of(item, answer, pages) for item, answer in zip(told.items, padded, strict=False)),
        lodged=lodged,
        policy=rules,
        agency=agency,
        takes_uploads=papers.takes_uploads(agency),
    )


def _sections_with_a_page(application: Application, rules: Policy, agency: Agency) -> frozenset[str]:
    """What this kind of application lets its applicant write; a renewal takes its category as registered."""
    hours_count = materials.hours_count(application.kind, late=application.late, rules=rules)
    steps = flows.steps_of(application.kind, hours_count=hours_count)
    uploads = {PAPERS} if papers.takes_uploads(agency) else set()
    return frozenset({PHOTO, *uploads, *(s for step in steps for s in step.sections)}) - NEVER_OPEN
