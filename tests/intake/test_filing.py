"""What an applicant does with an application: nothing lost, nothing twice, nothing that the rules refuse."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from intake import circumstances, completeness, dossier, filing
from intake.dossier import Frozen
from intake.filing import AnotherDraft, Incomplete
from intake.flows import Section
from intake.models import Application
from notifications import outbox
from notifications.models import Outbox
from register import clock, policy
from register.models import DocketEntry, Kind, Person
from review.models import Case, Dossier, Movement
from review.states import State
from tenants import crossing
from tenants.crypto import canonical_json, sha256_hex
from tenants.errors import Refusal
from tests import factories
from tests.cast import APPLICANTS, Cast
from tests.intake.desk import EMPLOYER, EXPERIENCE, add_row, attach_photo, filled, portrait, started

pytestmark = pytest.mark.django_db


def frozen_now(draft: Application) -> Frozen:
    """What lodging would freeze of this draft now."""
    return dossier.freeze(draft, circumstances.of(draft))


@pytest.fixture
def at_desk(cast: Cast) -> Iterator[Cast]:
    """Zhang at the applicant's desk, under the role of that desk."""
    with cast.at_applicants_desk(cast.zhang):
        yield cast


def again(application: Application) -> Application:
    """The application as the database knows it."""
    found = filing.application_of(application.person, application.pk)
    assert found is not None
    return found


def misses(application: Application) -> list[tuple[str, str]]:
    about = circumstances.of(application)
    return [(str(m.section), m.field) for m in completeness.check(application, about).misses]


# --- The draft ---------------------------------------------------------------------------------------


def test_starting_twice_goes_on_with_the_same_draft(at_desk: Cast) -> None:
    first, second = started(at_desk.zhang), started(at_desk.zhang)
    assert (first.pk, first.reference) == (second.pk, second.reference)
    assert first.reference.startswith("ZC")


def test_a_draft_of_another_kind_is_asked_about(at_desk: Cast) -> None:
    draft = started(at_desk.zhang)
    with crossing.standing(crossing.Desk.OWNER):
        factories.registration(at_desk.zhang, at_desk.beijing)
    with crossing.acting_as(at_desk.zhang.pk), pytest.raises(AnotherDraft) as asked:
        started(at_desk.zhang, Kind.CHANGE)
    assert asked.value.draft == draft
    filing.discard(application=draft)
    assert started(at_desk.zhang, Kind.CHANGE).agency == at_desk.beijing


def test_who_may_not_apply_cannot_start(at_desk: Cast) -> None:
    with pytest.raises(Refusal) as refused:
        started(at_desk.zhang, Kind.RENEWAL)
    assert str(refused.value) != ""
    assert not Application.objects.exists()


def test_what_is_saved_stays_and_the_rest_of_the_section_with_it(at_desk: Cast) -> None:
    draft = started(at_desk.zhang)
    filing.save_step(
        application=draft, section=Section.EMPLOYER, data={"name": "甲", "city": "北京市"}, step="employer"
    )
    filing.save_step(application=draft, section=Section.EMPLOYER, data={"name": "乙"})
    kept = again(draft)
    assert kept.sections == {"employer": {"name": "乙", "city": "北京市"}}
    assert (kept.step, kept.saved_at >= draft.saved_at) == ("employer", True)


def test_rows_are_added_changed_and_deleted_in_the_order_of_time(at_desk: Cast) -> None:
    draft = started(at_desk.zhang)
    add_row(application=draft, section=Section.EXPERIENCE, row=EXPERIENCE)
    add_row(
        application=draft, section=Section.EXPERIENCE, row={**EXPERIENCE, "from": "2012-01", "to": "2014-06"}
    )
    rows = again(draft).sections["experience"]
    assert [row["from"] for row in rows] == ["2012-01", "2014-07"]
    filing.change_row(
        application=draft,
        section=Section.EXPERIENCE,
        row_id=rows[0]["id"],
        row={**EXPERIENCE, "from": "2013-01", "to": "2014-06"},
    )
    filing.delete_row(application=draft, section=Section.EXPERIENCE, row_id=rows[1]["id"])
    left = again(draft).sections["experience"]
    assert [(row["id"], row["from"]) for row in left] == [(rows[0]["id"], "2013-01")]


def test_a_row_deleted_elsewhere_is_neither_changed_nor_deleted_again(at_desk: Cast) -> None:
    draft = started(at_desk.zhang)
    add_row(application=draft, section=Section.EXPERIENCE, row=EXPERIENCE)
    before = again(draft).sections
    for act in (
        lambda: filing.change_row(
            application=draft, section=Section.EXPERIENCE, row_id="gone", row=EXPERIENCE
        ),
        lambda: filing.delete_row(application=draft, section=Section.EXPERIENCE, row_id="gone"),
    ):
        with pytest.raises(Refusal) as refused:
            act()
        assert refused.value.code == "row_gone"
    assert again(draft).sections == before


def test_an_agency_that_takes_no_applications_cannot_be_chosen(cast: Cast) -> None:
    cast.mohurd.intake_open = False
    cast.mohurd.save(update_fields=["intake_open"])
    with cast.at_applicants_desk(cast.zhang):
        draft = started(cast.zhang)
        with pytest.raises(Refusal) as refused:
            filing.choose_agency(application=draft, agency=cast.mohurd)
        assert "暂停接收申请" in str(refused.value)
        with pytest.raises(Refusal):
            filing.choose_agency(application=draft, agency=cast.authority)


def test_the_same_photo_twice_is_one_photo(at_desk: Cast) -> None:
    draft, picture = started(at_desk.zhang), portrait()
    attach_photo(application=draft, upload=picture)
    attach_photo(application=draft, upload=picture)
    assert at_desk.zhang.photos.count() == 1


def test_drafts_that_nobody_touches_are_retired_with_a_notice(cast: Cast) -> None:
    with cast.at_applicants_desk(cast.zhang):
        old = started(cast.zhang)
    with cast.at_applicants_desk(cast.sun):
        young = started(cast.sun)
    long_ago = clock.now() - timedelta(days=policy.current().draft_retention_days + 1)
    Application.objects.filter(pk=old.pk).update(saved_at=long_ago)
    with crossing.standing(crossing.Desk.CLERK):
        assert filing.retire(before=filing.idle_since()) == 1
        assert filing.retire(before=filing.idle_since()) == 0
    assert list(Application.objects.values_list("pk", flat=True)) == [young.pk]
    assert [(o.user_id, o.kind) for o in Outbox.objects.all()] == [(cast.zhang.user_id, "draft_retired")]


@pytest.fixture
def two_old_drafts(cast: Cast) -> list[Application]:
    """Drafts of Zhang and Sun, both idle for longer than drafts are kept."""
    drafts = []
    for person in (cast.zhang, cast.sun):
        with cast.at_applicants_desk(person):
            drafts.append(started(person))
    long_ago = clock.now() - timedelta(days=policy.current().draft_retention_days + 1)
    Application.objects.update(saved_at=long_ago)
    return drafts


def test_a_draft_saved_while_old_ones_are_retired_stays(
    two_old_drafts: list[Application], monkeypatch: pytest.MonkeyPatch
) -> None:
    zhangs, suns = two_old_drafts
    post = outbox.post

    def post_and_save(**message: Any) -> None:
        # While one draft is retired, the person of the other one comes back.
        other = suns if message["user_id"] == zhangs.person.user_id else zhangs
        Application.objects.filter(pk=other.pk).update(saved_at=clock.now())
        post(**message)

    monkeypatch.setattr(outbox, "post", post_and_save)
    with crossing.standing(crossing.Desk.CLERK):
        assert filing.retire(before=filing.idle_since()) == 1
    assert Application.objects.count() == 1


def test_a_draft_that_cannot_be_retired_does_not_stop_the_others(
    two_old_drafts: list[Application], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    zhangs, _suns = two_old_drafts
    post = outbox.post

    def post_but_to_zhang(**message: Any) -> None:
        if message["user_id"] == zhangs.person.user_id:
            raise ValueError("no such notice")
        post(**message)

    monkeypatch.setattr(outbox, "post", post_but_to_zhang)
    with crossing.standing(crossing.Desk.CLERK):
        assert filing.retire(before=filing.idle_since()) == 1
    assert Application.objects.get() == zhangs
    assert str(zhangs.pk) in caplog.text


# --- What is missing ---------------------------------------------------------------------------------


def test_an_empty_draft_names_every_step(at_desk: Cast) -> None:
    assert misses(started(at_desk.zhang)) == [
        ("channel", "agency"),
        ("personal", ""),
        ("personal", "photo"),
        ("registration", ""),
        ("employer", ""),
        ("experience", "rows"),
        ("declaration", ""),
    ]


def test_a_filled_application_is_complete(at_desk: Cast) -> None:
    assert misses(filled(at_desk.zhang, at_desk.beijing)) == []


def test_a_contract_that_ran_out_since_is_found_before_lodging(at_desk: Cast) -> None:
    draft = filled(at_desk.zhang, at_desk.beijing)
    yesterday = (clock.today() - timedelta(days=1)).isoformat()
    filing.save_step(application=draft, section=Section.EMPLOYER, data={"contract_to": yesterday})
    assert misses(again(draft)) == [("employer", "contract_to")]


def test_a_late_initial_registration_asks_for_hours(cast: Cast) -> None:
    cast.qualifications["zhang"].issued_on = clock.add_years(clock.today(), -4)
    cast.qualifications["zhang"].save()
    with cast.at_applicants_desk(cast.zhang):
        draft = filled(cast.zhang, cast.beijing)
        assert draft.late is True
        assert misses(draft) == [("education", "rows")]
        course = {
            "from": "2026-01-05",
            "to": "2026-01-09",
            "provider": "示例培训中心",
            "course": "",
            "hours": "40",
            "certificate": "P1",
        }
        add_row(application=draft, section=Section.EDUCATION, row=course)
        found = completeness.check(again(draft), circumstances.of(again(draft)))
        assert [str(m.message) for m in found.misses] == ["继续教育已有 40 学时，还差 8 学时。"]
        add_row(
            application=draft, section=Section.EDUCATION, row={**course, "hours": "8.5", "certificate": "P2"}
        )
        assert misses(again(draft)) == []


# --- The digest --------------------------------------------------------------------------------------


def test_the_print_before_lodging_carries_the_digest_that_lodging_freezes(at_desk: Cast) -> None:
    draft = filled(at_desk.zhang, at_desk.beijing)
    printed = frozen_now(draft)
    filing.lodge(application=draft)
    with crossing.inside(at_desk.beijing):
        lodged = Dossier.objects.get(case_id=draft.pk)
    assert (lodged.digest, lodged.content, bytes(lodged.photo or b"")) == (
        printed.digest,
        printed.content,
        printed.photo,
    )


def test_the_digest_covers_sections_and_photo_but_not_papers_and_policy(at_desk: Cast) -> None:
    frozen = frozen_now(filled(at_desk.zhang, at_desk.beijing))
    counted = {k: v for k, v in frozen.content.items() if k not in dossier.NOT_IN_DIGEST}
    assert frozen.digest == sha256_hex(canonical_json(counted))
    assert dossier.digest_of({**frozen.content, "papers": [{"code": "M01"}]}) == frozen.digest
    for part in ("personal", "employer", "experience", "photo", "declaration", "agency"):
        assert dossier.digest_of({**frozen.content, part: "another"}) != frozen.digest


def test_the_content_carries_no_document_number(at_desk: Cast) -> None:
    content = frozen_now(filled(at_desk.zhang, at_desk.beijing)).content
    assert APPLICANTS["zhang"].number not in canonical_json(content).decode()
    assert content["personal"]["id_mask"] == at_desk.zhang.document_mask
    assert content["experience"] == [EXPERIENCE]


# --- Lodging -----------------------------------------------------------------------------------------


def test_lodging_opens_case_dossier_movement_docket_line_and_notice(at_desk: Cast) -> None:
    draft = filled(at_desk.zhang, at_desk.beijing)
    lodged = filing.lodge(application=draft)
    entry = DocketEntry.objects.get(case_id=draft.pk)
    assert (lodged.again, again(draft).status) == (False, Application.Status.LODGED)
    assert (entry.state, entry.agency, entry.reference, entry.open) == (
        State.SUBMITTED,
        at_desk.beijing,
        draft.reference,
        True,
    )
    with crossing.inside(at_desk.beijing):
        case = Case.objects.get(pk=draft.pk)
        acts = list(Movement.objects.filter(case=case).values_list("act", flat=True))
    assert (case.state, case.category, case.employer_code, acts) == (
        State.SUBMITTED,
        "A5",
        EMPLOYER["code"],
        ["lodge"],
    )
    with crossing.standing(crossing.Desk.CLERK):
        assert [o.kind for o in Outbox.objects.all()] == ["submitted"]


def test_the_second_click_finds_it_lodged(at_desk: Cast) -> None:
    draft = filled(at_desk.zhang, at_desk.beijing)
    filing.lodge(application=draft)
    assert filing.lodge(application=draft).again is True
    assert DocketEntry.objects.count() == 1
    with crossing.inside(at_desk.beijing):
        assert (Case.objects.count(), Dossier.objects.count()) == (1, 1)


def test_an_incomplete_application_is_not_lodged_and_nothing_is_written(at_desk: Cast) -> None:
    draft = filled(at_desk.zhang, at_desk.beijing)
    row = draft.sections["experience"][0]
    filing.delete_row(application=draft, section=Section.EXPERIENCE, row_id=row["id"])
    with pytest.raises(Incomplete) as missing:
        filing.lodge(application=again(draft))
    assert [str(m.message) for m in missing.value.findings.misses] == [
        "请至少添加一段从事安全生产相关业务的工作经历。"
    ]
    assert (again(draft).status, DocketEntry.objects.count()) == (Application.Status.DRAFT, 0)
    with crossing.inside(at_desk.beijing):
        assert Case.objects.count() == 0


def test_without_an_agency_nothing_can_be_lodged(at_desk: Cast) -> None:
    with pytest.raises(Incomplete):
        filing.lodge(application=started(at_desk.zhang))


def test_an_agency_suspended_since_takes_nothing(cast: Cast) -> None:
    with cast.at_applicants_desk(cast.zhang):
        draft = filled(cast.zhang, cast.beijing)
    cast.beijing.intake_open = False
    cast.beijing.save(update_fields=["intake_open"])
    with cast.at_applicants_desk(cast.zhang), pytest.raises(Incomplete):
        filing.lodge(application=again(draft))


def test_who_has_an_open_application_anywhere_lodges_no_second_one(cast: Cast) -> None:
    with cast.at_applicants_desk(cast.zhang):
        draft = filled(cast.zhang, cast.beijing)
    factories.docket_line(cast.zhang, cast.mohurd)
    with cast.at_applicants_desk(cast.zhang), pytest.raises(Refusal) as refused:
        filing.lodge(application=draft)
    assert "正在办理" in str(refused.value)


COURSE = {
    "from": "",
    "to": "",
    "provider": "示例培训中心",
    "course": "安全生产管理",
    "hours": "48",
    "certificate": "P1",
}


def change_of(draft: Application) -> None:
    filing.save_step(
        application=draft, section=Section.REGISTRATION, data={"change_items": ["1"], "category": "A5"}
    )
    filing.save_step(
        application=draft,
        section=Section.EMPLOYER,
        data={"name": "天津示例技术有限公司", "code": "91310000MA1ABCDE8U"},
    )


def renewal_of(draft: Application) -> None:
    last_week = (clock.today() - timedelta(days=7)).isoformat()
    add_row(application=draft, section=Section.EDUCATION, row={**COURSE, "from": last_week, "to": last_week})
    filing.save_step(
        application=draft, section=Section.PERFORMANCE, data={"text": "负责本单位安全生产管理。"}
    )


@pytest.mark.parametrize(
    ("kind", "begun", "more"),
    [
        (Kind.CHANGE, -1, change_of),
        (Kind.RENEWAL, -3, renewal_of),
        (Kind.REREGISTRATION, -5, lambda draft: None),
    ],
)
def test_each_other_kind_goes_its_own_way_to_the_agency(
    cast: Cast, kind: Kind, begun: int, more: Any
) -> None:
    begins = clock.add_years(clock.today(), begun) + timedelta(days=30)
    factories.registration(cast.zhang, cast.beijing, valid_from=begins, category="A5")
    with cast.at_applicants_desk(cast.zhang):
        draft = filled(cast.zhang, cast.beijing, kind)
        more(draft)
        frozen = frozen_now(again(draft))
        assert misses(again(draft)) == []
        filing.lodge(application=again(draft))
        entry = DocketEntry.objects.get()
    assert (entry.kind, entry.state, entry.agency) == (kind, State.SUBMITTED, cast.beijing)
    assert frozen.content["registration"]["valid_from"] == begins.isoformat()


def test_a_change_that_changes_nothing_is_not_lodged(cast: Cast) -> None:
    factories.registration(cast.zhang, cast.beijing, category="A5")
    with cast.at_applicants_desk(cast.zhang):
        draft = filled(cast.zhang, cast.beijing, Kind.CHANGE)
        filing.save_step(
            application=draft, section=Section.REGISTRATION, data={"change_items": ["1"], "category": "A5"}
        )
        assert misses(again(draft)) == [("employer", "name")]


def test_the_draft_of_a_record_that_was_merged_meanwhile_is_not_lodged(at_desk: Cast) -> None:
    """Lodging and merging keep out of each other's way by the same lock of the person."""
    draft = filled(at_desk.zhang, at_desk.beijing)
    with crossing.standing(crossing.Desk.OWNER):
        Person.objects.filter(pk=at_desk.zhang.pk).update(merged_into=at_desk.sun)
    with crossing.acting_as(at_desk.zhang.pk):
        with CaptureQueriesContext(connection) as asked, pytest.raises(Refusal) as no:
            filing.lodge(application=draft)
        assert (no.value.code, DocketEntry.objects.count()) == ("merged", 0)
    told = [query["sql"] for query in asked]
    locked = [
        n for n, sql in enumerate(told) if "pg_advisory_xact_lock" in sql and str(at_desk.zhang.pk) in sql
    ]
    row = [n for n, sql in enumerate(told) if "FOR UPDATE" in sql]
    assert (len(locked), locked[0] < row[0]) == (1, True)


CLOSED: list[Any] = [
    lambda draft: filing.save_step(application=draft, section=Section.EMPLOYER, data={"name": "乙"}),
    lambda draft: add_row(application=draft, section=Section.EXPERIENCE, row=EXPERIENCE),
    lambda draft: attach_photo(application=draft, upload=portrait()),
    lambda draft: filing.choose_agency(application=draft, agency=draft.agency),
    lambda draft: filing.discard(application=draft),
]


@pytest.mark.parametrize("change", CLOSED)
def test_what_is_lodged_cannot_be_changed(at_desk: Cast, change: Any) -> None:
    draft = filled(at_desk.zhang, at_desk.beijing)
    filing.lodge(application=draft)
    before = again(draft)
    for stale in (draft, before):
        with pytest.raises(Refusal):
            change(stale)
    assert (again(draft).sections, again(draft).status) == (before.sections, before.status)


# --- Taking it back ----------------------------------------------------------------------------------


def test_a_withdrawn_application_can_be_copied_into_a_new_draft(at_desk: Cast) -> None:
    draft = filled(at_desk.zhang, at_desk.beijing)
    filing.lodge(application=draft)
    filing.withdraw(application=draft)
    assert DocketEntry.objects.get().state == State.WITHDRAWN
    copy = filing.start(person=at_desk.zhang, kind=Kind.INITIAL, copy_of=again(draft))
    assert copy.pk != draft.pk
    assert copy.sections["employer"] == draft.sections["employer"]
    assert "declaration" not in copy.sections
    assert misses(copy) == [("declaration", "")]


def test_nothing_is_copied_into_a_draft_there_is(at_desk: Cast) -> None:
    old = filled(at_desk.zhang, at_desk.beijing)
    filing.lodge(application=old)
    filing.withdraw(application=old)
    draft = started(at_desk.zhang)
    with pytest.raises(AnotherDraft) as refused:
        filing.start(person=at_desk.zhang, kind=Kind.INITIAL, copy_of=again(old))
    assert refused.value.draft == draft
    assert again(draft).sections == {}


def test_a_draft_cannot_be_withdrawn(at_desk: Cast) -> None:
    with pytest.raises(Refusal):
        filing.withdraw(application=started(at_desk.zhang))
