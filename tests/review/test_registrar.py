"""Registrations ended and restrictions entered by the registrar, with the cases that hang on them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from notifications.models import Outbox
from register import clock, endings, lookup, memory, restrictions, standing
from register.models import DocketEntry, Kind, Person, Policy, Registration, Restriction
from register.standing import Status
from review import casework, log, registrar
from review.documents import endings as decisions
from review.models import Case, TerminationGround
from review.states import State
from tenants import crossing
from tenants.crossing import Desk
from tenants.errors import Refusal
from tenants.models import Agency
from tests import casefiles, factories
from tests.cast import Cast
from tests.review.desks import at_desk, case_now, line_now

pytestmark = pytest.mark.django_db

How = endings.How
DAY = timedelta(days=1)


def lodged(cast: Cast, kind: Kind, agency: Agency | None = None) -> Case:
    there = agency or cast.beijing
    with cast.at_applicants_desk(cast.zhang), crossing.inside(there):
        return casefiles.lodge(cast.zhang, there, kind=kind)


def ended(cast: Cast, by: str = "zhou", **changes: Any) -> registrar.Ended:
    told = {"how": How.CANCELLED, "ground": "request", "text": "本人书面申请。", **changes}
    with crossing.standing(Desk.AUTHORITY):
        return registrar.end_registration(person_id=cast.zhang.pk, by=cast.actor(by), **told)


@pytest.mark.parametrize(
    ("how", "ground", "status", "notice", "years"),
    [
        (How.CANCELLED, "criminal", Status.CANCELLED, "cancelled", 0),
        (How.REVOKED, "cheating", Status.REVOKED, "registration_revoked", 3),
        (How.WITHDRAWN, "lending", Status.WITHDRAWN, "registration_withdrawn", 5),
    ],
)
def test_a_registration_ends_with_ground_decision_and_notice(
    cast: Cast, how: str, ground: str, status: Status, notice: str, years: int
) -> None:
    row = factories.registration(cast.zhang, cast.beijing)
    done = ended(cast, how=how, ground=ground)
    row.refresh_from_db()
    assert (row.ended_how, row.ended_on, row.end_ground, row.ended_by) == (
        how,
        clock.today(),
        ground,
        cast.user("zhou"),
    )
    assert (len(done.registrations), done.terminated, done.left) == (1, (), ())
    assert standing.status_of(cast.zhang) is status
    until = clock.add_years(clock.today(), years) if years else None
    assert standing.standing_of(cast.zhang).restricted_until == until
    # No second truth: the bar follows from how it ended.
    assert Restriction.objects.count() == 0
    (told,) = Outbox.objects.filter(kind=notice)
    assert told.user_id == cast.zhang.user_id
    letter = decisions.letter_of(row, cast.zhang, cast.authority)
    assert cast.zhang.document_mask in letter.to
    assert ("不得再次申请注册" in "".join(letter.paragraphs)) is bool(years)
    card = lookup.find(number=row.number, name="张测")
    assert card is not None
    assert card.status is status


def test_what_is_over_does_not_end_again(cast: Cast) -> None:
    with pytest.raises(Refusal) as no:
        ended(cast)
    assert no.value.code == "unregistered"
    factories.registration(cast.zhang, cast.beijing)
    ended(cast)
    with pytest.raises(Refusal) as no:
        ended(cast, how=How.REVOKED, ground="cheating")
    assert no.value.code == "ended_before"
    factories.registration(cast.sun, cast.beijing, valid_from=clock.add_years(clock.today(), -5))
    with crossing.standing(Desk.AUTHORITY), pytest.raises(Refusal) as no:
        registrar.end_registration(
            person_id=cast.sun.pk, by=cast.actor("zhou"), how="cancelled", ground="request", text="申请"
        )
    assert no.value.code == "ended_before"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"by": "zhao"}, "role"),
        ({"by": "feng"}, "role"),
        ({"by": "wei"}, "role"),
        ({"ground": "cheating"}, "ground"),
        ({"ground": "nothing"}, "ground"),
        ({"how": "expired"}, "how"),
        ({"text": " "}, "no_reason"),
    ],
)
def test_a_registration_does_not_end(cast: Cast, changes: dict[str, Any], code: str) -> None:
    row = factories.registration(cast.zhang, cast.beijing)
    with pytest.raises(Refusal) as no:
        ended(cast, **changes)
    row.refresh_from_db()
    assert (no.value.code, row.ended_how) == (code, "")


def test_open_cases_of_every_agency_end_with_it(cast: Cast) -> None:
    """A change that waits for its certificate at one agency, a renewal under review at another."""
    row = factories.registration(cast.zhang, cast.beijing)
    stranger = factories.registration(cast.sun, cast.mohurd)
    change = lodged(cast, Kind.CHANGE)
    with crossing.standing(Desk.AGENCY, cast.beijing):
        casefiles.walk(Case.objects.get(pk=change.pk), cast.actor("li"), State.REPORTED)
    with crossing.standing(Desk.AUTHORITY), crossing.inside(cast.beijing):
        case = Case.objects.get(pk=change.pk)
        casework.take_up(case=case, by=cast.actor("zhao"))
        casework.approve(case=case, by=cast.actor("zhao"))
    renewal = lodged(cast, Kind.RENEWAL, cast.mohurd)
    done = ended(cast, ground="death", text="户籍已注销。")
    assert len(done.registrations) == 2
    assert (done.terminated, done.left) == ((renewal.reference,), ())
    states = [case_now(cast.mohurd, renewal.pk).state, case_now(cast.beijing, change.pk).state]
    assert states == [State.TERMINATED] * 2
    assert [line_now(key).state for key in (renewal.pk, change.pk)] == [State.TERMINATED] * 2
    with crossing.standing(Desk.CLERK), crossing.inside(cast.mohurd):
        last = Case.objects.get(pk=renewal.pk).movements.last()
        assert last is not None
        assert (last.act, last.actor_role, last.detail["ground"]) == (
            "terminate",
            "registrar",
            TerminationGround.DEATH,
        )
        assert list(log.verify()) == []
    assert set(Outbox.objects.filter(kind="terminated").values_list("case_id", flat=True)) == {
        renewal.pk,
        change.pk,
    }
    stranger.refresh_from_db()
    assert (row.number, stranger.ended_how) == (done.registrations[0].number, "")


def test_when_the_case_cannot_end_the_registration_does_not(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = factories.registration(cast.zhang, cast.beijing)
    case = lodged(cast, Kind.CHANGE)

    def refuse(**_told: Any) -> None:
        raise Refusal("已由他人办理", code="state")

    monkeypatch.setattr(casework, "terminate", refuse)
    with pytest.raises(Refusal):
        ended(cast)
    row.refresh_from_db()
    assert (row.ended_how, case_now(cast.beijing, case.pk).state) == ("", State.SUBMITTED)
    assert Outbox.objects.filter(kind="cancelled").count() == 0


def test_what_was_left_over_can_be_ended_afterwards(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    row = factories.registration(cast.zhang, cast.beijing)
    case = lodged(cast, Kind.CHANGE)
    monkeypatch.setattr(registrar, "ending_with", lambda _person, _ground: [])
    ended(cast)
    assert [line.reference for line in registrar.left_over(cast.zhang)] == [case.reference]
    with crossing.standing(Desk.AUTHORITY):
        assert registrar.finish(person_id=cast.zhang.pk, by=cast.actor("zhou")) == []
    row.refresh_from_db()
    assert case_now(cast.beijing, case.pk).state == State.TERMINATED
    assert registrar.left_over(cast.zhang) == []


def test_an_application_for_a_new_registration_does_not_end_with_the_one_before(cast: Cast) -> None:
    factories.registration(cast.zhang, cast.beijing)
    anew = factories.docket_line(cast.zhang, cast.mohurd, kind=Kind.REREGISTRATION)
    factories.docket_line(cast.sun, cast.mohurd, kind=Kind.RENEWAL)
    assert registrar.ending_with(cast.zhang, endings.Ground.CHEATING) == []
    assert registrar.ending_with(cast.zhang, endings.Ground.DEATH) == [anew]
    assert ended(cast).terminated == ()
    assert registrar.left_over(cast.zhang) == []
    Registration.objects.filter(person=cast.zhang).update(end_ground=endings.Ground.DEATH)
    assert registrar.left_over(cast.zhang) == [anew]


def test_what_is_left_of_an_earlier_registration_stays_to_be_ended(cast: Cast) -> None:
    today = clock.today()
    old = factories.registration(cast.zhang, cast.beijing, ended_how="cancelled", ended_on=today - DAY)
    left = factories.docket_line(cast.zhang, cast.beijing, kind=Kind.CHANGE, lodged_on=today - 2 * DAY)
    factories.registration(cast.zhang, cast.beijing, valid_from=today)
    assert [old.ended_how, registrar.left_over(cast.zhang)] == ["cancelled", [left]]


def test_what_came_ended_with_old_records_has_no_decision(cast: Cast) -> None:
    row = factories.registration(cast.zhang, cast.beijing, ended_how="cancelled", ended_on=clock.today())
    assert not decisions.decided().exists()
    with pytest.raises(ValueError, match="not ended here"):
        decisions.letter_of(row, cast.zhang, cast.authority)


# --- Restrictions ------------------------------------------------------------------------------------


def proposed(cast: Cast) -> Case:
    case = lodged(cast, Kind.INITIAL)
    with crossing.standing(Desk.AGENCY, cast.beijing):
        casework.propose_restriction(case=case, by=cast.actor("wang"), text="劳动合同系伪造。")
    return case


def restricted(cast: Cast, **changes: Any) -> Restriction:
    told = {"ground": "false", "reason": "劳动合同系伪造。", **changes}
    with crossing.standing(Desk.AUTHORITY):
        return registrar.restrict(person_id=cast.zhang.pk, by=cast.actor("zhou"), **told)


def test_a_proposal_waits_until_it_is_entered_once_and_may_end_the_case(cast: Cast) -> None:
    case = proposed(cast)
    factories.docket_line(cast.sun, cast.mohurd)
    (line,) = registrar.proposals()
    assert line.case_id == case.pk
    row = restricted(cast, line=line, end_case=True)
    assert (row.until, row.case_id) == (clock.add_years(clock.today(), 1), case.pk)
    assert list(registrar.proposals()) == []
    assert case_now(cast.beijing, case.pk).state == State.TERMINATED
    with pytest.raises(Refusal):
        restricted(cast, line=line)
    assert Restriction.objects.count() == 1
    assert Outbox.objects.filter(kind="restricted", user=cast.zhang.user_id).count() == 1


def test_a_proposal_that_is_not_followed_is_taken_back(cast: Cast) -> None:
    case = proposed(cast)
    with crossing.standing(Desk.AUTHORITY), crossing.inside(cast.beijing):
        with pytest.raises(Refusal):
            registrar.turn_down(case=case, by=cast.actor("zhao"), text="证据不足。")
        registrar.turn_down(case=case, by=cast.actor("zhou"), text="证据不足。")
    assert (list(registrar.proposals()), case_now(cast.beijing, case.pk).false_material) == ([], False)


def test_a_proposal_is_either_followed_or_turned_down(cast: Cast) -> None:
    case = proposed(cast)
    (line,) = registrar.proposals()
    with crossing.standing(Desk.AUTHORITY), crossing.inside(cast.beijing):
        registrar.turn_down(case=case, by=cast.actor("zhou"), text="证据不足。")
    with pytest.raises(Refusal) as no:
        restricted(cast, line=line)
    assert (no.value.code, Restriction.objects.count()) == ("no_proposal", 0)
    with crossing.standing(Desk.AGENCY, cast.beijing):
        casework.propose_restriction(case=case, by=cast.actor("wang"), text="另有新证据。")
    restricted(cast, line=line)
    for desk, agency, who in ((Desk.AUTHORITY, None, "zhou"), (Desk.AGENCY, cast.beijing, "wang")):
        with crossing.standing(desk, agency), crossing.inside(cast.beijing), pytest.raises(Refusal) as no:
            casework.drop_restriction(case=case, by=cast.actor(who), text="证据不足。")
        assert no.value.code == "entered"
    assert case_now(cast.beijing, case.pk).false_material


@pytest.mark.parametrize(("ground", "years"), [("false", 1), ("cheating", 3), ("penalty", 5)])
def test_a_restriction_lasts_as_the_policy_says(cast: Cast, ground: str, years: int) -> None:
    assert restricted(cast, ground=ground).until == clock.add_years(clock.today(), years)


def test_a_restriction_of_another_ground_names_its_day(cast: Cast) -> None:
    with pytest.raises(Refusal) as no:
        restricted(cast, ground="other", until=clock.today())
    assert no.value.code == "until"
    day = clock.today() + timedelta(days=40)
    assert restricted(cast, ground="other", until=day).until == day


def test_lifted_once_and_stands_against_nothing(cast: Cast) -> None:
    row = restricted(cast)
    assert standing.standing_of(cast.zhang).restricted_until == row.until
    with crossing.standing(Desk.AUTHORITY):
        restrictions.lift(restriction_id=row.pk, reason="复议撤销。", by=cast.user("zhou"))
        with pytest.raises(Refusal) as no:
            restrictions.lift(restriction_id=row.pk, reason="复议撤销。", by=cast.user("zhou"))
    assert (no.value.code, standing.standing_of(cast.zhang).restricted_until) == ("lifted", None)


def expired_with_renewal(cast: Cast) -> tuple[Registration, Case]:
    """张测's period ended yesterday; the renewal was lodged in time and is under review."""
    yesterday = clock.today() - timedelta(days=1)
    row = factories.registration(
        cast.zhang, cast.beijing, valid_from=clock.add_years(yesterday, -3), valid_to=yesterday
    )
    case = lodged(cast, Kind.RENEWAL)
    on = yesterday - timedelta(days=60)
    DocketEntry.objects.filter(case_id=case.pk).update(lodged_on=on)
    return row, case


def test_a_registration_carried_on_by_its_renewal_can_be_revoked_with_it(cast: Cast) -> None:
    row, renewal = expired_with_renewal(cast)
    assert standing.status_of(cast.zhang) is Status.DEEMED_RENEWED
    asked = at_desk(cast, "zhou").page(f"/registrants/{cast.zhang.pk}/endings/revoked/")
    assert (row.number in asked, renewal.reference in asked) == (True, True)
    done = ended(cast, how=How.REVOKED, ground="cheating", text="学历证明系伪造。")
    row.refresh_from_db()
    assert ([one.pk for one in done.registrations], done.terminated, done.left) == (
        [row.pk],
        (renewal.reference,),
        (),
    )
    assert (row.ended_how, row.ended_on) == (How.REVOKED, clock.today())
    assert case_now(cast.beijing, renewal.pk).state == State.TERMINATED
    assert standing.status_of(cast.zhang) is Status.REVOKED
    assert standing.standing_of(cast.zhang).restricted_until == clock.add_years(clock.today(), 3)
    with pytest.raises(Refusal) as no:
        ended(cast, how=How.REVOKED, ground="cheating")
    assert no.value.code == "ended_before"


def test_where_the_renewal_cannot_end_the_registration_stays(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    row, renewal = expired_with_renewal(cast)

    def refuse(**_told: Any) -> None:
        raise Refusal("已由他人办理", code="state")

    monkeypatch.setattr(casework, "terminate", refuse)
    with pytest.raises(Refusal):
        ended(cast, how=How.REVOKED, ground="cheating")
    row.refresh_from_db()
    assert (row.ended_how, case_now(cast.beijing, renewal.pk).state) == ("", State.SUBMITTED)


# --- Deemed renewals ---------------------------------------------------------------------------------


def test_renewals_past_the_expiry_are_flagged_while_they_were_lodged_in_time(cast: Cast) -> None:
    today = clock.today()
    ends = today - timedelta(days=1)

    def held(person: Person, lodged_days_before: int, **changes: Any) -> Registration:
        row = factories.registration(
            person, cast.beijing, valid_from=clock.add_years(ends, -3), valid_to=ends, **changes
        )
        factories.docket_line(
            person, cast.beijing, kind=Kind.RENEWAL, lodged_on=ends - timedelta(days=lodged_days_before)
        )
        return row

    row = held(cast.zhang, 30)
    held(cast.sun, 29)
    held(cast.gu, 60, ended_how="cancelled", ended_on=ends)
    in_force = factories.person("赵延续")
    factories.registration(in_force, cast.beijing)
    factories.docket_line(in_force, cast.beijing, kind=Kind.RENEWAL)
    assert [(line.person_id, found.pk) for line, found in registrar.deemed()] == [(cast.zhang.pk, row.pk)]
    assert registrar.deemed_lines().count() == 1
    # It follows from the dates: no job has run, and it ends with the application.
    assert standing.status_of(cast.zhang) is Status.DEEMED_RENEWED
    assert standing.status_of(cast.sun) is Status.EXPIRED


@pytest.mark.parametrize(("key", "value"), [("deemed_renewal", False), ("deemed_renewal_days_before", 41)])
def test_deemed_renewals_follow_the_policy_of_the_day_they_were_lodged(
    cast: Cast, key: str, value: bool | int
) -> None:
    today = clock.today()
    ends = today - DAY
    found = {}
    for person, before in ((cast.zhang, 60), (cast.sun, 40)):
        valid_from = clock.add_years(ends, -3)
        factories.registration(person, cast.beijing, valid_from=valid_from, valid_to=ends)
        found[before] = factories.docket_line(
            person, cast.beijing, kind=Kind.RENEWAL, lodged_on=ends - before * DAY
        )
    assert set(registrar.deemed_lines()) == {*found.values()}
    Policy.objects.create(key=key, value=value, valid_from=ends - 50 * DAY)
    memory.forget_all()
    assert list(registrar.deemed_lines()) == [found[60]]
    assert [standing.status_of(one) for one in (cast.zhang, cast.sun)] == [
        Status.DEEMED_RENEWED,
        Status.EXPIRED,
    ]
