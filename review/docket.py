"""The docket: one public line per live case, written in the transaction of every movement.

It is a projection: `differences` compares it with the case files, `rebuild` writes it anew from them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from register import clock
from register.models import DocketEntry
from review.models import Case
from review.states import State
from tenants import crossing
from tenants.models import Agency


def line_of(case: Case) -> dict[str, Any]:
    """What the docket says about this case."""
    return {
        "reference": case.reference,
        "person_id": case.person_id,
        "kind": case.kind,
        "category": case.category,
        "applicant_name": case.applicant_name,
        "employer_name": case.employer_name,
        "state": case.state,
        "open": case.open,
        "lodged_on": clock.day_of(case.lodged_at),
        "due_on": case.due_on,
        "due_provisional": case.due_provisional,
        "clock": case.clock,
        "officer_id": case.officer_id,
        "dispatch_number": case.dispatch.number if case.dispatch_id and case.dispatch else "",
        "chain_length": case.chain_length,
        "chain_head": case.chain_head,
    }


def enter(case: Case, *, agency: Agency, at: datetime) -> DocketEntry:
    """Open the docket line of a newly lodged case.

    Raises `IntegrityError` (`one_open_docket_line_per_person`) when the person has an open one anywhere.
    """
    return DocketEntry.objects.create(case_id=case.pk, agency=agency, updated_at=at, **line_of(case))


def follow(case: Case, at: datetime) -> None:
    """Bring the docket line up to the case, in the same transaction."""
    changed = DocketEntry.objects.filter(case_id=case.pk).update(updated_at=at, **line_of(case))
    if changed != 1:
        raise RuntimeError(f"case {case.pk} has {changed} docket lines")


def lead_to(agency: Agency, case: Case, at: datetime) -> None:
    """Let the docket line of a case handed over lead to the agency that has the case now."""
    changed = DocketEntry.objects.filter(case_id=case.pk).update(
        agency=agency, updated_at=at, **line_of(case)
    )
    if changed != 1:
        raise RuntimeError(f"case {case.pk} has {changed} docket lines")


@contextmanager
def opened(entry: DocketEntry) -> Iterator[Case]:
    """Stand inside the entry's agency and open its case: the authority's and the applicant's way in.

    Render the page inside: a queryset evaluated afterwards would read another schema.
    """
    with crossing.inside(entry.agency):
        yield Case.objects.prefetch_related("opinions").get(pk=entry.case_id)


def differences(agency: Agency) -> list[str]:
    """Where docket and case files of one agency disagree; an empty list when they agree. Stand inside it."""
    lines = {entry.case_id: entry for entry in DocketEntry.objects.filter(agency=agency)}
    found = []
    for case in _live_cases():
        entry = lines.pop(case.pk, None)
        if entry is None:
            found.append(f"{agency.code} {case.reference}: no docket line")
            continue
        found += [
            f"{agency.code} {case.reference}: {name} is {getattr(entry, name)!r}, case says {value!r}"
            for name, value in line_of(case).items()
            if getattr(entry, name) != value
        ]
    return found + [f"{agency.code} {e.reference}: docket line without a case" for e in lines.values()]


def rebuild(agency: Agency) -> int:
    """Write this agency's docket lines anew from its case files; returns how many. Stand inside it.

    Safe beside people at work: each line is written under the lock of its case.
    """
    written = 0
    for case_id in Case.objects.exclude(state=State.HANDED_OVER).values_list("pk", flat=True):
        with crossing.atomic():
            case = Case.objects.select_for_update(of=("self",)).get(pk=case_id)
            DocketEntry.objects.update_or_create(
                case_id=case.pk, defaults={"agency": agency, "updated_at": clock.now(), **line_of(case)}
            )
        written += 1
    live = Case.objects.exclude(state=State.HANDED_OVER).values("pk")
    DocketEntry.objects.filter(agency=agency).exclude(case_id__in=live).delete()
    return written


def _live_cases() -> Iterator[Case]:
    """Every case but the tombstones of cases handed over, which have no line of their own."""
    cases = Case.objects.exclude(state=State.HANDED_OVER).select_related("dispatch")
    return cases.iterator(chunk_size=2000)
