"""Announcement batches: what they keep, who may read them, and how their lines are paged."""

from __future__ import annotations

from datetime import date

import pytest
from django.db import IntegrityError, transaction

from register import announcing, names
from register.models import Batch, BatchLine, Kind, Registration
from register.policy import Policy
from tenants import crossing
from tenants.crossing import Desk
from tenants.errors import Refusal
from tests import factories
from tests.cast import Cast

pytestmark = pytest.mark.django_db

TODAY = date(2026, 11, 23)


def batch_of(cast: Cast, numbers: list[str], *, number: str = "2026-01", on: date | None = TODAY) -> Batch:
    for each in numbers:
        factories.registration(factories.person("张测"), cast.beijing, number=each)
    rows = Registration.objects.filter(number__in=numbers)
    with crossing.standing(Desk.AUTHORITY):
        batch = announcing.compose(number=number, title="公告", registrations=rows)
        if on:
            announcing.publish(batch=batch, on=on)
    return batch


def test_everybody_reads_published_batches_newest_first_and_no_others(cast: Cast) -> None:
    batch_of(cast, ["26001000001"], number="2026-01", on=date(2026, 4, 10))
    batch_of(cast, ["26001000002", "26001000003"], number="2026-02", on=date(2026, 7, 10))
    waiting = batch_of(cast, ["26001000004"], number="2026-03", on=None)
    with crossing.standing(Desk.APPLICANT):
        assert [(batch.number, vars(batch)["people"]) for batch in announcing.published()] == [
            ("2026-02", 2),
            ("2026-01", 1),
        ]
        assert announcing.page_of(waiting).lines == ()
        assert BatchLine.objects.count() == 3


def test_a_line_keeps_what_was_announced(cast: Cast) -> None:
    person = factories.person("张测")
    row = factories.registration(person, cast.beijing, number="26001000001")
    with crossing.standing(Desk.AUTHORITY):
        batch = announcing.compose(number="2026-01", title="公告", registrations=[row])
        announcing.publish(batch=batch, on=TODAY)
    person.name = "张改"
    person.save()
    with crossing.standing(Desk.APPLICANT):
        (line,) = announcing.page_of(batch).lines
        assert (line.name, line.number, line.kind, line.category, line.employer_name, line.agency) == (
            "张测",
            "26001000001",
            "initial",
            "A5",
            row.employer_name,
            cast.beijing,
        )


def test_lines_are_paged_by_certificate_number(cast: Cast) -> None:
    numbers = [f"2600100000{n}" for n in range(1, 6)]
    batch = batch_of(cast, numbers)
    with crossing.standing(Desk.APPLICANT):
        first = announcing.page_of(batch, size=2)
        second = announcing.page_of(batch, after=first.after or "", size=2)
        third = announcing.page_of(batch, after=second.after or "", size=2)
        back = announcing.page_of(batch, before=third.before or "", size=2)
    assert [[line.number for line in page.lines] for page in (first, second, third, back)] == [
        numbers[:2],
        numbers[2:4],
        numbers[4:],
        numbers[2:4],
    ]
    places = [f"{line.number}-{line.pk}" for line in BatchLine.objects.order_by("number")]
    assert [(page.before, page.after) for page in (first, second, third, back)] == [
        (None, places[1]),
        (places[2], places[3]),
        (places[4], None),
        (places[2], places[3]),
    ]


def test_no_line_is_lost_where_a_number_stands_twice(cast: Cast) -> None:
    person = factories.person("张测")
    row = None
    for kind in (Kind.INITIAL, Kind.CHANGE, Kind.RENEWAL):
        row = factories.registration(person, cast.beijing, number="26001000001", kind=kind, supersedes=row)
    with crossing.standing(Desk.AUTHORITY):
        batch = announcing.compose(number="2026-01", title="公告", registrations=Registration.objects.all())
        seen: list[BatchLine] = []
        place: str | None = ""
        while place is not None:
            page = announcing.page_of(batch, after=place, size=1)
            seen += page.lines
            place = page.after
        last = announcing.page_of(batch, before=f"26001000001-{seen[-1].pk}", size=1)
        odd = [len(announcing.page_of(batch, after=no).lines) for no in ("26001000001", "x\0", "-1")]
    assert [line.pk for line in seen] == sorted(batch.lines.values_list("pk", flat=True))
    assert (list(last.lines), odd) == ([seen[1]], [3, 3, 3])


def test_a_batch_is_published_once_and_not_empty(cast: Cast) -> None:
    batch = batch_of(cast, ["26001000001"])
    with crossing.standing(Desk.AUTHORITY):
        with pytest.raises(Refusal, match="已经公告"):
            announcing.publish(batch=batch, on=TODAY)
        empty = announcing.compose(number="2026-09", title="公告", registrations=[])
        with pytest.raises(Refusal, match="还没有人员"):
            announcing.publish(batch=empty, on=TODAY)


def test_nobody_is_announced_twice_in_a_batch(cast: Cast) -> None:
    row = factories.registration(cast.zhang, cast.beijing)
    with crossing.standing(Desk.AUTHORITY), pytest.raises(IntegrityError), transaction.atomic():
        announcing.compose(number="2026-01", title="公告", registrations=[row, row])


@pytest.mark.parametrize(
    ("name", "masked"),
    [
        ("张测", "张*"),
        ("张小明", "张*明"),
        ("欧阳小明", "欧**明"),
        ("古丽·测试", "古丽·***"),
        ("JOHN SAMPLE", "JOHN ***"),
        ("𠮷测试", "𠮷*试"),
    ],
)
def test_masked_names(name: str, masked: str) -> None:
    assert names.mask(name) == masked
    assert announcing.shown_name(name, Policy(public_name_mask=True)) == masked
    assert announcing.shown_name(name, Policy()) == name
