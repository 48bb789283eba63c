"""Dispatches and their summary lists (申请注册人员汇总表): what an agency sent up, as it was sent.

A list never changes: a case that comes back and goes up again stands in another list as well.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.db.models import Count, F, OuterRef, Q, Subquery
from django.db.models.fields.json import KeyTextTransform

from register import clock
from review.models import Case, Dispatch, DispatchLine, Dossier, Opinion

PAGE_SIZE: Final = 50
PASS, FAIL = Opinion.Verdict.PASS, Opinion.Verdict.FAIL


def keep_list(dispatch: Dispatch, cases: Sequence[Case]) -> None:
    """Keep which cases this dispatch sent, in their order, with the version and the opinion that went up."""
    given = Opinion.objects.filter(
        case__in=cases, level=Opinion.Level.FIRST, standing=Opinion.Standing.GIVEN
    ).values_list("case_id", "pk")
    opinions: dict[UUID, UUID] = dict(given)
    DispatchLine.objects.bulk_create(
        DispatchLine(
            dispatch=dispatch,
            case=case,
            number=number,
            version=case.version,
            opinion_id=opinions.get(case.pk),
        )
        for number, case in enumerate(cases, 1)
    )


# --- The batches -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """A dispatch with how many cases it sent, and with which opinions."""

    number: str
    sent_at: dt.datetime
    sent_by_name: str
    sent: int
    passed: int
    failed: int


@dataclass(frozen=True, slots=True)
class Page:
    """One page of dispatches, and the number of the last one where there are older ones."""

    rows: tuple[Batch, ...]
    older: str


def page(*, older_than: str = "", size: int = PAGE_SIZE) -> Page:
    """The dispatches before the one of this number; the latest ones without it."""
    found = Dispatch.objects.order_by("-sent_at", "-pk")
    last = Dispatch.objects.filter(number=older_than).first() if older_than else None
    if last is not None:
        found = found.filter(Q(sent_at__lt=last.sent_at) | Q(sent_at=last.sent_at, pk__lt=last.pk))
    counted = found.annotate(
        sent=Count("lines"),
        passed=Count("lines", filter=Q(lines__opinion__verdict=PASS)),
        failed=Count("lines", filter=Q(lines__opinion__verdict=FAIL)),
    ).values("number", "sent_at", "sent_by_name", "sent", "passed", "failed")
    rows = tuple(Batch(**row) for row in counted[: size + 1])
    return Page(rows[:size], rows[size - 1].number if len(rows) > size else "")


# --- The list --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line of the summary list: the person, the application as it was sent, the opinion."""

    number: int
    case_id: UUID
    reference: str
    name: str
    sex: str
    document_mask: str
    kind: str
    late: bool
    category: str
    employer: str
    verdict: str
    codes: Sequence[str]
    text: str
    author: str
    countersigned_by: str
    opinion_on: dt.date | None
    # Where the case is now, for whoever reads the list on the screen.
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SummaryList:
    """The summary list of one dispatch."""

    dispatch: Dispatch
    lines: tuple[Line, ...]

    @property
    def passed(self) -> int:
        return sum(line.verdict == PASS for line in self.lines)

    @property
    def failed(self) -> int:
        return sum(line.verdict == FAIL for line in self.lines)

    @property
    def sent_on(self) -> dt.date:
        return clock.day_of(self.dispatch.sent_at)


def summary_of(dispatch: Dispatch) -> SummaryList:
    """What this dispatch sent, in its order: one query, whatever the number of lines.

    Category and employer are read from the dossier version that went up; a later version may say otherwise.
    """
    sent = Dossier.objects.filter(case_id=OuterRef("case_id"), version=OuterRef("version"))

    def frozen(section: str, field: str) -> Subquery:
        return Subquery(sent.values(said=KeyTextTransform(field, KeyTextTransform(section, "content")))[:1])

    rows = (
        dispatch.lines.order_by("number")
        .annotate(
            reference=F("case__reference"),
            name=F("case__applicant_name"),
            document_mask=F("case__document_mask"),
            kind=F("case__kind"),
            late=F("case__late"),
            state=F("case__state"),
            sex=frozen("personal", "sex"),
            category=frozen("registration", "category"),
            employer=frozen("employer", "name"),
            verdict=F("opinion__verdict"),
            codes=F("opinion__codes"),
            text=F("opinion__text"),
            author=F("opinion__author_name"),
            countersigned_by=F("opinion__countersigned_by_name"),
            given_at=F("opinion__given_at"),
            signed_at=F("opinion__countersigned_at"),
        )
        .values()
    )
    return SummaryList(dispatch=dispatch, lines=tuple(_line(row) for row in rows))


def _line(row: Mapping[str, Any]) -> Line:
    at: dt.datetime | None = row["signed_at"] or row["given_at"]
    return Line(
        number=row["number"],
        case_id=row["case_id"],
        reference=row["reference"],
        name=row["name"],
        sex=row["sex"] or "",
        document_mask=row["document_mask"],
        kind=row["kind"],
        late=row["late"],
        category=row["category"] or "",
        employer=row["employer"] or "",
        verdict=row["verdict"] or "",
        codes=tuple(row["codes"] or ()),
        text=row["text"] or "",
        author=row["author"] or "",
        countersigned_by=row["countersigned_by"] or "",
        opinion_on=clock.day_of(at) if at else None,
        state=row["state"],
    )
