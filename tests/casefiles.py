"""Case files for tests: a person's application, lodged at an agency and walked to where a test begins."""

from __future__ import annotations

import uuid
from datetime import date
from typing import Any

from register import clock, issuing, policy
from register.models import Kind, Person, Registration
from review import casework, checklist, docket, workflow
from review.models import Case, Dispatch, Opinion
from review.states import Clock, State
from review.workflow import Actor
from tenants import crossing
from tenants.crypto import canonical_json, sha256_hex
from tenants.models import Agency, User
from tests import factories

AT_AUTHORITY = frozenset({State.REPORTED, State.FINAL_PASSED, State.FINAL_FAILED})
PHOTO = b"\xff\xd8 not a picture, only bytes that must not change \xff\xd9"


def dossier(person: Person, agency: Agency, **changes: Any) -> dict[str, Any]:
    """The frozen content of a complete initial registration; `changes` replace whole sections."""
    content: dict[str, Any] = {
        "schema_version": 1,
        "reference": "",
        "kind": Kind.INITIAL.value,
        "late": False,
        "channel": "1",
        "agency": {
            "code": agency.code,
            "name_zh": agency.name_zh,
            "name_en": agency.name_en,
            "number": agency.number,
        },
        "personal": {
            "person": str(person.pk),
            "name": person.name,
            "sex": person.sex,
            "birth_date": person.birth_date.isoformat() if person.birth_date else "",
            "id_type": person.document_type,
            "id_mask": person.document_mask,
            "id_digest": person.document_digest,
            "education": "21",
            "degree": "4",
            "school": "示例理工大学",
            "major": "安全工程",
            "graduation_date": "2012-06-30",
            "study_mode": "1",
            "mobile": "13800005678",
            "email": "",
        },
        "qualification": {
            "certificate_number": "ZG2025000001",
            "exam_year": 2025,
            "issued_on": "2026-02-10",
            "category": "A5",
        },
        "registration": {"category": "A5"},
        "employer": {
            "name": "北京示例化工有限公司",
            "code": "91110000MA00000152",
            "attribute": "04",
            "province": "11",
            "city": "北京市",
            "district": "朝阳区",
            "address": "示例路1号",
            "postcode": "100020",
            "contact": "李示例",
            "phone": "010-00000001",
            "contract_from": "2024-01-01",
            "contract_to": "2029-12-31",
            "position": "安全管理",
        },
        "experience": [
            {
                "from": "2020-07",
                "to": "",
                "employer": "北京示例化工有限公司",
                "post": "安全员",
                "work": "1",
                "witness": "",
                "witness_phone": "",
            }
        ],
        "education": [],
        "performance": "",
        "declaration": {"agreed": True, "delivery": "1"},
        "papers": [],
        "photo": {"sha256": sha256_hex(PHOTO)},
        "policy_version": "",
    }
    return {**content, **changes}


def filing(person: Person, agency: Agency, **changes: Any) -> casework.Filing:
    content = dossier(person, agency, **changes)
    return casework.Filing(
        content=content, photo=PHOTO, digest=sha256_hex(canonical_json(content)), papers={}
    )


def lodge(person: Person, agency: Agency, *, kind: str = Kind.INITIAL, **changes: Any) -> Case:
    """Lodge an application, standing inside the agency already."""
    with crossing.atomic():
        return casework.lodge_case(
            application_id=uuid.uuid4(),
            reference=factories.reference(kind),
            kind=kind,
            late=False,
            person=person,
            agency=agency,
            filing=filing(person, agency, **changes),
            policy=policy.current(),
        )


def tick_all(case: Case, by: Actor, *, fault: str = "") -> None:
    """Mark every item of the dossier, all in order but `fault`."""
    content = case.dossiers.get(version=case.version).content
    marks = {item.key: (item.key != fault, "") for item in checklist.items_of(content)}
    casework.tick_all(case=case, by=by, version=case.version, marks=marks)


def tick(case: Case, by: Actor, item: str, *, in_order: bool, remark: str = "") -> None:
    """Mark one section of the version as the case has it at hand."""
    casework.tick_all(case=case, by=by, version=case.version, marks={item: (in_order, remark)})


def walk(case: Case, by: Actor, to: State) -> Case:
    """Bring a submitted case to a later state of the first review, by its proper acts."""
    if not by.handles(Case.objects.values_list("assignee_id", flat=True).get(pk=case.pk)):
        casework.take_up(case=case, by=by)
    if to == State.CORRECTION:
        item = {"item": "employer", "code": "R08", "text": "单位名称与信用代码不一致"}
        casework.send_back(case=case, by=by, items=[item])
        return case
    casework.accept(case=case, by=by)
    if to == State.ACCEPTED:
        return case
    tick_all(case, by)
    failed = to == State.FIRST_FAILED
    casework.give_opinion(
        case=case,
        by=by,
        verdict=Opinion.Verdict.FAIL if failed else Opinion.Verdict.PASS,
        codes=["N05"] if failed else [],
        text="资格证书无效" if failed else "",
    )
    if to == State.REPORTED:
        casework.refer(cases=[case], by=by)
        case.refresh_from_db()
    return case


def put(
    case: Case,
    state: State,
    *,
    assignee: User | None = None,
    officer: User | None = None,
    two: bool = False,
) -> Case:
    """The rows of a submitted case as its acts leave them in a later state, without walking them.

    No movement tells how it came there: for tests that begin in the state, not for those of the way. A
    granted case has its registration, a refused one its decision; with `two` the authority's decisions need
    two signatures. Stand inside the agency as the owner.
    """
    at, today = clock.now(), clock.today()
    case.assignee, case.officer = assignee, officer
    case.policy = {**case.policy, "final_sign_off": two}
    workflow.ends(case, today)
    if state == State.ACCEPTED:
        workflow.starts(Clock.FIRST_REVIEW)(case, today)
    if state in AT_AUTHORITY:
        case.dispatch = Dispatch.objects.create(
            number=f"T-{case.reference}", sent_by_id=1, sent_by_name="报送", sent_at=at
        )
        case.reported_on, case.first_verdict = today, "pass"
        _given(case, Opinion.Level.FIRST, assignee, "pass")
    if state == State.REPORTED:
        workflow.starts(Clock.FINAL_REVIEW)(case, today)
    if state in {State.FINAL_FAILED, State.FINAL_PASSED}:
        case.decided_on, case.final_verdict = today, "fail" if state == State.FINAL_FAILED else "pass"
        _given(case, Opinion.Level.FINAL, officer, case.final_verdict)
    if state == State.FINAL_PASSED:
        workflow.starts(Clock.ISSUE)(case, today)
        case.registration_id = _granted(case, today).pk
    case.state, case.state_since = state, at
    case.save()
    docket.follow(case, at)
    return case


def _given(case: Case, level: str, by: User | None, verdict: str) -> None:
    failed = verdict == Opinion.Verdict.FAIL
    Opinion.objects.create(
        case=case,
        level=level,
        verdict=verdict,
        codes=["N05"] if failed else [],
        text="资格证书无效" if failed else "",
        standing=Opinion.Standing.GIVEN,
        author_id=by.pk if by else 1,
        author_name=by.name if by else "某人",
        given_at=clock.now(),
    )


def _granted(case: Case, on: date) -> Registration:
    agency = Agency.objects.get(schema_name=crossing.here().schema)
    return issuing.grant(
        case_id=case.pk,
        person=case.person,
        kind=case.kind,
        category=case.category,
        agency=agency,
        employer_name=case.employer_name,
        employer_code=case.employer_code,
        policy=case.policy,
        on=on,
    )


def today_plus(days: int) -> date:
    """So many working days from today."""
    return clock.add_working_days(clock.today(), days).day
