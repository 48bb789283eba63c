"""Announcements (注册公告): batches of granted registrations as everybody may read them.

A line keeps what was announced on the day; no document number stands in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from django.db import IntegrityError, transaction
from django.db.models import Count, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from register import names, people
from register.models import Batch, BatchLine, Registration
from register.policy import Policy
from tenants.errors import Refusal
from tenants.models import User

PAGE_SIZE: Final = 50
PLACE: Final = re.compile(r"([0-9]{1,11})-([0-9]{1,18})")


@dataclass(frozen=True, slots=True)
class Page:
    """Some lines of a batch, and between which places others stand."""

    lines: tuple[BatchLine, ...]
    before: str | None
    after: str | None


def published() -> QuerySet[Batch]:
    """The published batches, newest first, with how many people each announces."""
    found = Batch.objects.filter(published_on__isnull=False).annotate(people=Count("lines"))
    return found.order_by("-published_on", "-number")


def page_of(batch: Batch, *, after: str = "", before: str = "", size: int = PAGE_SIZE) -> Page:
    """The lines of a batch in the order of certificate numbers, after or before a place.

    A place is a number and the line: changes and renewals carry their number on. What is none is passed over.
    """
    lines = BatchLine.objects.filter(batch=batch).select_related("agency").order_by("number", "pk")
    start, end = _place(after), _place(before)
    if end:
        found = list(lines.filter(_beyond(end, "lt")).reverse()[: size + 1])
        rows, behind, ahead = found[:size][::-1], len(found) > size, True
    else:
        found = list((lines.filter(_beyond(start, "gt")) if start else lines)[: size + 1])
        rows, behind, ahead = found[:size], bool(start), len(found) > size
    if not rows:
        return Page((), None, None)
    return Page(
        tuple(rows),
        before=_place_of(rows[0]) if behind else None,
        after=_place_of(rows[-1]) if ahead else None,
    )


def _place(text: str) -> tuple[str, int] | None:
    found = PLACE.fullmatch(text)
    return (found[1], int(found[2])) if found else None


def _place_of(line: BatchLine) -> str:
    return f"{line.number}-{line.pk}"


def _beyond(place: tuple[str, int], side: str) -> Q:
    number, key = place
    return Q(**{f"number__{side}": number}) | Q(number=number, **{f"pk__{side}": key})


def shown_name(name: str, rules: Policy) -> str:
    """A name on a public page: whole, or masked where the policy value `public_name_mask` says so."""
    return names.mask(name) if rules.public_name_mask else name


# --- The registrar ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Fault:
    """A line that keeps its batch from being published, and why."""

    line: BatchLine
    why: str


def compose(
    *, number: str, title: str, registrations: Iterable[Registration], by: User | None = None
) -> Batch:
    """A new batch of these registrations, not public yet; each line says what the register says now.

    Raises Refusal for a number that was given already, and when one of them stands in another batch.
    """
    rows = list(registrations)
    with transaction.atomic():
        try:
            with transaction.atomic():
                batch = Batch.objects.create(number=number, title=title, made_by=by)
        except IntegrityError:
            raise Refusal(_("这个批次号已经用过，请换一个。"), code="number") from None
        _add(batch, rows)
    return batch


def add(*, batch: Batch, registrations: Iterable[Registration]) -> int:
    """Put more registrations into a batch that is not public yet; how many. Raises Refusal like `compose`."""
    rows = list(registrations)
    with transaction.atomic():
        _unpublished(batch)
        _add(batch, rows)
    return len(rows)


def _add(batch: Batch, rows: Sequence[Registration]) -> None:
    # Always in the same order: two who list the same people wait for one another in no circle.
    lines = [_line(batch, row) for row in sorted(rows, key=lambda row: row.pk)]
    try:
        with transaction.atomic():
            BatchLine.objects.bulk_create(lines, batch_size=1_000)
    except IntegrityError:
        _keep_to_unlisted(rows)
        raise


def _keep_to_unlisted(rows: Sequence[Registration]) -> None:
    elsewhere = BatchLine.objects.filter(registration__in=[row.pk for row in rows]).first()
    if elsewhere is not None:
        raise Refusal(
            _("{name}（{number}）已列入其他公告批次。").format(name=elsewhere.name, number=elsewhere.number),
            code="listed",
        )


def _line(batch: Batch, row: Registration) -> BatchLine:
    return BatchLine(
        batch=batch,
        registration=row,
        name=row.person.name,
        number=row.number,
        kind=row.kind,
        category=row.category,
        employer_name=row.employer_name,
        agency_id=row.agency_id,
    )


def take_out(*, batch: Batch, lines: Iterable[int]) -> int:
    """Take lines out of a batch that is not public yet; how many. They may stand in a later one."""
    with transaction.atomic():
        _unpublished(batch)
        return batch.lines.filter(pk__in=list(lines)).delete()[0]


def drop(*, batch: Batch) -> None:
    """Give up a batch that is not public yet; who stood in it waits for another one."""
    with transaction.atomic():
        _unpublished(batch)
        batch.lines.all().delete()
        batch.delete()


def faults(batch: Batch, *, by: User | None = None) -> list[Fault]:
    """Why a batch cannot be published by this registrar: registrations that ended, and one's own affairs."""
    found = []
    lines = batch.lines.select_related("registration__person")
    for line in lines.exclude(registration__ended_how=""):
        found.append(Fault(line, str(_("该注册已经终止，请移出本批次。"))))
    if by is not None and (records := people.own_records(by)):
        own = lines.filter(registration__person__in=records)
        found += [Fault(line, str(_("这是您本人的注册，请由其他登记员公告。"))) for line in own]
    if by is not None and by.employer_code:
        near = lines.filter(registration__employer_code=by.employer_code)
        found += [Fault(line, str(_("该人员与您同属一个单位，请由其他登记员公告。"))) for line in near]
    return found


def publish(*, batch: Batch, on: date, by: User | None = None) -> None:
    """Make a batch public, once; its lines say what the register says at this moment.

    Raises Refusal when it is public already, when it names nobody, and while a line has a fault.
    """
    with transaction.atomic():
        _unpublished(batch)
        rows = _held(batch)
        if not rows:
            raise Refusal(_("这个批次还没有人员，不能公告。"), code="empty")
        if wrong := faults(batch, by=by):
            raise Refusal(
                _("{name}（{number}）：{why}").format(
                    name=wrong[0].line.name, number=wrong[0].line.number, why=wrong[0].why
                ),
                code="faults",
            )
        BatchLine.objects.bulk_update(
            [_as_now(line) for line in rows], fields=("name", "category", "employer_name"), batch_size=1_000
        )
        Batch.objects.filter(pk=batch.pk).update(published_on=on, published_by=by)
    batch.published_on, batch.published_by = on, by


def _held(batch: Batch) -> list[BatchLine]:
    """The lines, their registrations locked: whoever ends one now waits until the batch is public."""
    lines = batch.lines.select_related("registration__person").order_by("registration_id")
    return list(lines.select_for_update(of=("registration",)))


def _as_now(line: BatchLine) -> BatchLine:
    row = line.registration
    line.name, line.category, line.employer_name = row.person.name, row.category, row.employer_name
    return line


def _unpublished(batch: Batch) -> None:
    """Lock the batch. Raises Refusal when it is public: then it says for ever what it says."""
    same = Batch.objects.filter(pk=batch.pk)
    # A public row cannot be locked at the authority's desk any more: it cannot be changed there.
    if same.filter(published_on__isnull=True).select_for_update(of=("self",)).first() is not None:
        return
    if same.exists():
        raise Refusal(_("这个批次已经公告。"), code="published")
    raise Refusal(_("这个批次已经撤销。"), code="gone")
