"""Who may apply for what, on which day: one boundary per row of `tests/data/eligibility.csv`.

Its dates were worked out by hand from Order 11, the 2019 rules, the manual and the policy values; where a row
and the code disagree, one of them is wrong.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any, Final

import pytest
from django.utils import translation
from pytest_django import DjangoAssertNumQueries

from register import clock, eligibility, memory, standing
from register.eligibility import Answer, bar_to_grant, decide
from register.models import Kind, Person, Policy
from register.policy import SEED
from register.standing import OpenLine, Period, Standing
from tenants import crossing
from tenants.crossing import Desk
from tenants.models import Agency
from tests import factories
from tests.cast import Cast

INITIAL, CHANGE, RENEWAL, REREGISTER = Kind
FILE: Final = Path(__file__).parents[1] / "data" / "eligibility.csv"
LATER: Final = re.compile(r"(\w+) (\S{10})\.\.(\S{10})(?: granted (\S{10}))?")
LONG_AGO: Final = date(2000, 1, 1)


def day(text: str) -> date:
    return date.fromisoformat(text)


def maybe(text: str) -> date | None:
    return day(text) if text else None


@dataclass(frozen=True, slots=True)
class Boundary:
    """One row of the table."""

    id: str
    kind: Kind
    today: date
    certified: date | None
    periods: tuple[Period, ...]
    open: tuple[Kind, date] | None
    restricted: date | None
    born: date | None
    policy: dict[str, Any]
    answer: str
    opens_on: date | None
    closes_on: date | None
    status: str

    @classmethod
    def of(cls, row: dict[str, str]) -> Boundary:
        kind, _, lodged = row["open"].partition(" ")
        return cls(
            id=row["id"],
            kind=Kind(row["kind"]),
            today=day(row["today"]),
            certified=maybe(row["certified"]),
            periods=tuple(_periods(row)),
            open=(Kind(kind), day(lodged)) if kind else None,
            restricted=maybe(row["restricted"]),
            born=maybe(row["born"]),
            policy={key: json.loads(value) for key, _, value in map(_pair, row["policy"].split())},
            answer=row["answer"],
            opens_on=maybe(row["opens_on"]),
            closes_on=maybe(row["closes_on"]),
            status=row["status"],
        )


def _pair(text: str) -> tuple[str, str, str]:
    return text.partition("=")


def _periods(row: dict[str, str]) -> Iterator[Period]:
    """The first period of a row and those granted later."""
    if row["from"]:
        yield period(row["from"], row["to"], ended=row["ended_how"], on=row["ended_on"])
    for kind, begins, ends, granted in LATER.findall(row["then"]):
        yield replace(period(begins, ends, Kind(kind)), granted_on=day(granted or begins))


def _read() -> list[Boundary]:
    with FILE.open(encoding="utf-8", newline="") as file:
        return [Boundary.of(row) for row in csv.DictReader(file)]


def period(valid_from: str, valid_to: str, kind: Kind = INITIAL, *, ended: str = "", on: str = "") -> Period:
    begins = day(valid_from)
    return Period(
        kind=kind,
        valid_from=begins,
        valid_to=day(valid_to),
        granted_on=begins,
        ended_how=ended,
        ended_on=maybe(on),
    )


BOUNDARIES: Final = _read()
every_boundary = pytest.mark.parametrize("row", BOUNDARIES, ids=[row.id for row in BOUNDARIES])


def test_the_table_is_whole() -> None:
    assert len(BOUNDARIES) >= 120
    assert len({row.id for row in BOUNDARIES}) == len(BOUNDARIES)
    assert {row.kind for row in BOUNDARIES} == set(Kind)


def answered(row: Boundary, answer: Answer) -> None:
    code = "allowed" if answer.allowed and not answer.late else answer.code
    assert (code, answer.opens_on, answer.closes_on) == (row.answer, row.opens_on, row.closes_on)
    assert answer.allowed is (row.answer in ("allowed", "late"))
    assert answer.late is (row.answer == "late")
    assert str(answer.reason) or row.answer == "allowed"


@every_boundary
def test_every_boundary(row: Boundary) -> None:
    rules = replace(SEED, **row.policy)
    bans = [standing.banned_until(period, rules) for period in row.periods]
    line = None
    if row.open:
        deemed = rules.deemed_renewal_days_before if rules.deemed_renewal else None
        line = OpenLine(kind=row.open[0], lodged_on=row.open[1], deemed_days=deemed)
    stands = Standing(
        qualified_on=row.certified,
        born=row.born,
        periods=row.periods,
        open=line,
        restricted_until=max(filter(None, [row.restricted, *bans]), default=None),
    )
    answered(row, decide(stands, row.kind, row.today, rules))
    assert stands.status(row.today, rules.renewal_open_months) == row.status


@pytest.mark.django_db
@every_boundary
def test_every_boundary_as_the_register_stores_it(row: Boundary, beijing: Agency) -> None:
    person = _stored(row, beijing)
    with crossing.standing(Desk.APPLICANT), crossing.acting_as(person.pk):
        answered(row, eligibility.may_apply(person, row.kind, row.today))
        assert standing.status_of(person, row.today) == row.status


def _stored(row: Boundary, agency: Agency) -> Person:
    """A person of whom the books say what the row says."""
    Policy.objects.bulk_create(
        Policy(key=key, value=value, valid_from=LONG_AGO) for key, value in row.policy.items()
    )
    memory.forget_all()
    person = factories.person("某测试")
    Person.objects.filter(pk=person.pk).update(birth_date=row.born)
    if row.certified:
        factories.qualification(person, issued_on=row.certified)
    before = None
    for one in row.periods:
        before = factories.registration(
            person,
            agency,
            kind=one.kind,
            valid_from=one.valid_from,
            valid_to=one.valid_to,
            granted_on=one.granted_on,
            ended_how=one.ended_how,
            ended_on=one.ended_on,
            supersedes=before if one.kind in (CHANGE, RENEWAL) else None,
        )
    if row.open:
        factories.docket_line(person, agency, kind=row.open[0], lodged_on=row.open[1])
    if row.restricted:
        factories.restriction(person, since=LONG_AGO, until=row.restricted)
    return person


VALID = period("2024-05-01", "2027-04-30")
RENEWED = period("2027-05-01", "2030-04-30", RENEWAL)
CANCELLED = period("2024-05-01", "2027-04-30", ended="cancelled", on="2026-03-01")
REVOKED = period("2024-05-01", "2027-04-30", ended="revoked", on="2026-03-01")
NEWLY_QUALIFIED = Standing(qualified_on=day("2024-02-29"))
REGISTERED = Standing(qualified_on=day("2023-02-01"), periods=(VALID,))


def registered(*periods: Period, **more: Any) -> Standing:
    return Standing(qualified_on=day("2023-02-01"), periods=periods, **more)


@pytest.mark.parametrize(
    ("standing", "kind", "on", "said"),
    [
        (REGISTERED, RENEWAL, "2026-11-23", "延续注册将于2027年1月30日开放。"),
        (REGISTERED, RENEWAL, "2027-05-01", "您的注册已于2027年4月30日到期，请办理重新注册。"),
        (REGISTERED, REREGISTER, "2026-11-23", "您的注册有效期至2027年4月30日，不需要重新注册。"),
        (registered(CANCELLED), CHANGE, "2026-11-23", "您的注册已注销（2026年3月1日），请办理重新注册。"),
        (
            replace(NEWLY_QUALIFIED, restricted_until=day("2027-01-31")),
            INITIAL,
            "2026-11-23",
            "您处于限制申请期内，限制至2027年1月31日。",
        ),
        (
            NEWLY_QUALIFIED,
            INITIAL,
            "2027-03-01",
            "初始注册期限为2027年2月28日，现按逾期初始注册办理，须提交继续教育证明。",
        ),
        (
            replace(NEWLY_QUALIFIED, born=day("2008-11-24")),
            INITIAL,
            "2026-11-23",
            "申请人须年满18周岁，2026年11月24日起可以申请。",
        ),
    ],
)
def test_a_reason_says_why_not_and_from_when(standing: Standing, kind: Kind, on: str, said: str) -> None:
    assert str(decide(standing, kind, day(on), SEED).reason) == said


def test_a_change_shortly_before_the_expiry_says_that_the_renewal_comes_first() -> None:
    assert decide(REGISTERED, CHANGE, day("2027-01-29"), SEED).reason == ""
    answer = decide(REGISTERED, CHANGE, day("2027-01-30"), SEED)
    assert answer.allowed
    assert str(answer.reason).startswith("注册有效期至2027年4月30日。变更办结前不能申请延续注册")


def test_a_reason_names_the_day_in_the_readers_language() -> None:
    reason = decide(REGISTERED, RENEWAL, day("2026-11-23"), SEED).reason
    with translation.override("en"):
        assert "Jan" in str(reason)


LODGED = OpenLine(kind=RENEWAL, lodged_on=day("2027-03-01"), deemed_days=30)


@pytest.mark.parametrize(
    ("standing", "kind", "on", "code"),
    [
        (NEWLY_QUALIFIED, INITIAL, "2026-11-23", None),
        (REGISTERED, INITIAL, "2026-11-23", "registered_before"),
        (replace(NEWLY_QUALIFIED, restricted_until=day("2027-01-01")), INITIAL, "2026-11-23", "restricted"),
        (REGISTERED, CHANGE, "2027-04-30", None),
        (REGISTERED, CHANGE, "2027-05-01", "expired"),
        (registered(CANCELLED), CHANGE, "2026-11-23", "ended"),
        (REGISTERED, RENEWAL, "2027-04-30", None),
        (REGISTERED, RENEWAL, "2027-05-20", None),  # decided after the expiry
        (registered(REVOKED), RENEWAL, "2027-05-20", "ended"),
        (registered(VALID, RENEWED), RENEWAL, "2027-04-30", "renewed"),
        (REGISTERED, REREGISTER, "2027-04-30", "still_valid"),
        (REGISTERED, REREGISTER, "2027-05-01", None),
    ],
)
def test_bars_are_asked_again_before_granting(
    standing: Standing, kind: Kind, on: str, code: str | None
) -> None:
    bar = bar_to_grant(standing, kind, day(on), SEED)
    assert (bar.code if bar else None) == code


# --- As the applicant's desk reads it ------------------------------------------------------------
@pytest.mark.django_db
def test_a_newly_qualified_person_may_apply_for_the_initial_registration_only(cast: Cast) -> None:
    with cast.at_applicants_desk(cast.zhang):
        answers = eligibility.answers(cast.zhang)
    assert {kind.value: answer.code for kind, answer in answers.items()} == {
        "initial": "",
        "change": "unregistered",
        "renewal": "unregistered",
        "reregister": "unregistered",
    }


@pytest.mark.django_db
def test_an_open_application_at_any_agency_bars_another_one(cast: Cast) -> None:
    line = factories.docket_line(cast.zhang, cast.mohurd)
    with cast.at_applicants_desk(cast.zhang):
        assert eligibility.may_apply(cast.zhang, INITIAL).code == "open_application"
    line.open = False
    line.save()
    with cast.at_applicants_desk(cast.zhang):
        assert eligibility.may_apply(cast.zhang, INITIAL).code == ""


@pytest.mark.django_db
def test_the_restriction_that_lasts_longest_is_told(cast: Cast) -> None:
    today = clock.today()
    factories.restriction(cast.zhang, until=clock.add_years(today, 1))
    factories.restriction(cast.zhang, until=clock.add_years(today, 3))
    factories.restriction(cast.zhang, since=clock.add_years(today, 4), until=clock.add_years(today, 9))
    with cast.at_applicants_desk(cast.zhang):
        answer = eligibility.may_apply(cast.zhang, INITIAL)
    assert (answer.code, answer.opens_on) == ("restricted", clock.add_years(today, 3) + clock.ONE_DAY)


@pytest.mark.django_db
def test_the_latest_certificate_opens_the_window(cast: Cast) -> None:
    factories.qualification(cast.zhang, issued_on=day("2010-01-01"), exam_year=2009)
    with cast.at_applicants_desk(cast.zhang):
        assert eligibility.may_apply(cast.zhang, INITIAL).late is False


@pytest.mark.django_db
def test_a_merged_record_answers_for_the_living_one(cast: Cast, beijing: Agency) -> None:
    old = factories.person("张测", merged_into=cast.zhang)
    factories.registration(cast.zhang, beijing)
    assert eligibility.may_apply(old, INITIAL).code == "registered_before"


@pytest.mark.django_db
def test_what_a_merged_record_carries_counts_for_the_living_one(cast: Cast, beijing: Agency) -> None:
    old = factories.person("张测", merged_into=cast.zhang)
    held = factories.registration(old, beijing)
    with cast.at_applicants_desk(cast.zhang):
        assert eligibility.may_apply(cast.zhang, INITIAL).code == "registered_before"
        assert eligibility.may_apply(cast.zhang, CHANGE).closes_on == held.valid_to
    factories.restriction(old, until=clock.today())
    with cast.at_applicants_desk(cast.zhang):
        assert eligibility.may_apply(cast.zhang, CHANGE).code == "restricted"
    factories.docket_line(old, beijing, kind=CHANGE)
    with cast.at_applicants_desk(cast.zhang):
        assert eligibility.may_apply(cast.zhang, CHANGE).code == "open_application"


@pytest.mark.django_db
def test_years_without_an_application_follow_the_policy_of_the_day_of_revocation(
    cast: Cast, beijing: Agency
) -> None:
    today = clock.today()
    ended_on = clock.add_years(today, -4)
    factories.registration(
        cast.zhang, beijing, valid_from=clock.add_years(today, -5), ended_how="revoked", ended_on=ended_on
    )
    Policy.objects.create(key="reapply_ban_cheating", value=5, valid_from=ended_on + clock.ONE_DAY)
    memory.forget_all()
    with cast.at_applicants_desk(cast.zhang):
        assert eligibility.may_apply(cast.zhang, REREGISTER).allowed
    Policy.objects.create(key="reapply_ban_cheating", value=5, valid_from=ended_on)
    memory.forget_all()
    with cast.at_applicants_desk(cast.zhang):
        answer = eligibility.may_apply(cast.zhang, REREGISTER)
    assert (answer.code, answer.opens_on) == ("restricted", clock.add_years(ended_on, 5) + clock.ONE_DAY)


@pytest.mark.django_db
def test_four_answers_take_two_queries(cast: Cast, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    factories.registration(cast.zhang, cast.beijing)
    with crossing.standing(Desk.APPLICANT), crossing.acting_as(cast.zhang.pk):
        list(Agency.objects.all())
        with django_assert_num_queries(2):  # the books, the policies
            eligibility.answers(cast.zhang)


@pytest.fixture
def beijing(db: None) -> Agency:
    return Agency.objects.get(code="beijing")
