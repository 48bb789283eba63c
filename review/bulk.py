"""Granting many reported cases at once: what may be ticked, and the decision on each by itself.

The authority's page lists the cases of a dispatch, or those ticked in the queue. What needs a look into the
file (a negative opinion, a bar) is not granted from a list.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from copy import copy
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from register.bars import Bars, bars_for_many
from register.models import DocketEntry, Kind
from review import casework, workflow
from review.models import Case, Opinion
from review.states import State
from review.workflow import FINAL_REVIEWER, Actor
from tenants import crossing
from tenants.errors import Refusal

logger = logging.getLogger(__name__)

# So many cases are handled at once, at either desk.
MOST: Final = 200
RESTRICTED: Final = gettext_lazy("申请人正处于限制申请的期间。")
REGISTERED: Final = gettext_lazy("申请人已有有效注册。")
NOT_REGISTERED: Final = gettext_lazy("申请人没有有效注册，不能变更。")
FAILED: Final = gettext_lazy("初审意见为不通过，请打开案卷办理。")
NO_OPINION: Final = gettext_lazy("没有初审意见，请打开案卷办理。")
PROPOSED_NOT_TO: Final = gettext_lazy("终审员建议不予注册，请打开案卷办理。")
NOTHING_TO_SIGN: Final = gettext_lazy("终审员还没有提出建议。")
CHANGED: Final = gettext_lazy("本案在您打开名单之后有变化，请打开案卷查看后再办理。")
BROKEN: Final = gettext_lazy("本案没有办成，请打开案卷办理。")


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A case on the list: its first opinion, what is proposed, and why it cannot be granted from here."""

    entry: DocketEntry
    verdict: str
    author: str
    proposer: str
    # What the proposal says: who signs must have read it.
    proposed: str
    why_not: str | Promise
    # How far its record goes that the reader has before the eyes.
    seen: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one case."""

    entry: DocketEntry
    done: bool
    said: str


def of_dispatch(number: str) -> tuple[list[DocketEntry], int]:
    """The cases of a dispatch that still lie at the authority, the most urgent first, and how many more.

    So many of them as may be handled at once.
    """
    lines = DocketEntry.objects.filter(dispatch_number=number, state=State.REPORTED, open=True)
    found = list(lines.select_related("agency", "officer").order_by("due_on", "reference")[: MOST + 1])
    return found[:MOST], lines.count() - MOST if len(found) > MOST else 0


def candidates(entries: Sequence[DocketEntry], *, by: Actor) -> list[Candidate]:
    """Each case of the list as it stands now, in the order given. Two or three queries for each agency."""
    bars = bars_for_many({entry.person_id for entry in entries})
    found: dict[object, Candidate] = {}
    for group in _by_agency(entries):
        with crossing.inside(group[0].agency):
            cases = Case.objects.select_related("officer").prefetch_related("opinions")
            files = cases.in_bulk([entry.pk for entry in group])
            for entry in group:
                # A case that has just been handed over is no longer in this agency's cabinet.
                if case := files.get(entry.pk):
                    found[entry.pk] = _candidate(entry, case, bars[entry.person_id], by)
    return [found[entry.pk] for entry in entries if entry.pk in found]


def approve_each(
    entries: Sequence[DocketEntry], *, by: Actor, seen: dict[str, int], text: str = ""
) -> Iterator[Outcome]:
    """Grant, propose or sign each of these cases in a transaction of its own, and tell what became of it.

    A free case is taken up by this. `seen` tells of each case how far its record went on the page from which
    it was ticked: what has changed since is left alone.
    """
    bars = bars_for_many({entry.person_id for entry in entries})
    for group in _by_agency(entries):
        with crossing.inside(group[0].agency):
            for entry in group:
                last, known = seen.get(str(entry.pk), 0), bars[entry.person_id]
                try:
                    said = _approve(entry, known, by=by, seen=last, text=text)
                except Refusal as no:
                    yield Outcome(entry, False, str(no.message))
                except Exception:
                    # What became of the others must be told all the same.
                    logger.exception("Case %s could not be granted in bulk.", entry.pk)
                    yield Outcome(entry, False, str(BROKEN))
                else:
                    yield Outcome(entry, True, said)


def _approve(entry: DocketEntry, bars: Bars, *, by: Actor, seen: int, text: str) -> str:
    with crossing.atomic():
        case = workflow.locked_for_acts(entry.pk)
        signs = workflow.pending_opinion(case) is not None
        if why_not := _why_not(case, by) or _barred(case, bars):
            raise Refusal(str(why_not), code="not_in_bulk")
        if case.chain_length != seen:
            raise Refusal(str(CHANGED), code="changed")
        if not signs and not by.handles(case.officer_id):
            casework.take_up(case=case, by=by, locked=True)
        proposes = casework.needs_signature(case)
        casework.approve(case=case, by=by, text="" if signs else text, locked=True)
    if signs:
        return _("已签批，准予注册。")
    return _("建议已提交签批。") if proposes else _("已准予注册。")


def _candidate(entry: DocketEntry, case: Case, bars: Bars, by: Actor) -> Candidate:
    first, pending = _first_opinion(case), workflow.pending_opinion(case)
    return Candidate(
        entry=entry,
        verdict=first.verdict if first else "",
        author=first.author_name if first else "",
        proposer=pending.author_name if pending else "",
        proposed=pending.text if pending else "",
        why_not=_why_not(case, by) or _barred(case, bars),
        seen=case.chain_length,
    )


def _first_opinion(case: Case) -> Opinion | None:
    level, given = Opinion.Level.FIRST, Opinion.Standing.GIVEN
    return next((o for o in case.opinions.all() if o.level == level and o.standing == given), None)


def _why_not(case: Case, by: Actor) -> str | Promise:
    """Why this officer cannot grant the case from a list; empty when it can be done."""
    case, first = copy(case), _first_opinion(case)
    pending = workflow.pending_opinion(case)
    try:
        if case.state == State.REPORTED and pending is None:
            if FINAL_REVIEWER not in by.roles:
                return NOTHING_TO_SIGN
            if not by.handles(case.officer_id):
                workflow.check(case, "take_up", by)
                case.officer_id = by.user_id
        workflow.check(case, "approve", by)
    except Refusal as no:
        return str(no.message)
    if pending is not None and pending.verdict != Opinion.Verdict.PASS:
        return PROPOSED_NOT_TO
    if first is None:
        return NO_OPINION
    return FAILED if first.verdict != Opinion.Verdict.PASS else ""


def _barred(case: Case, bars: Bars) -> str | Promise:
    """What the register has against it. The register itself asks once more when it writes."""
    if bars.restricted:
        return RESTRICTED
    if bars.registered and case.kind in {Kind.INITIAL, Kind.REREGISTRATION}:
        return REGISTERED
    return NOT_REGISTERED if case.kind == Kind.CHANGE and not bars.registered else ""


def _by_agency(entries: Iterable[DocketEntry]) -> Iterator[list[DocketEntry]]:
    ordered = sorted(entries, key=lambda entry: entry.agency_id)
    for _agency, group in groupby(ordered, key=lambda entry: entry.agency_id):
        yield list(group)
