"""Cases for demonstrations: synthetic people at several agencies, from just lodged to decided, some too late.

Everything is done by the acts of the domain at the desks where it belongs, on the days when it would have
been done; only the clock is led through them.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from itertools import groupby
from pathlib import Path
from typing import Any, Final

from PIL import Image, ImageDraw

from intake import filing, photos
from intake.filing import Entries
from intake.flows import Section
from register import appeals, clock, demo, documents, policy_book
from register.models import DocketEntry, DocumentType, Kind, Person
from review import casework, checklist, docket
from review.models import Case, Opinion
from review.workflow import Actor
from tenants import crossing, roles
from tenants.crypto import sha256_hex
from tenants.models import Agency, User

DAY: Final = 24 * 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """How one case went: what was done so many days ago; nothing where it was not done yet."""

    agency: str
    lodged: int
    accepted: int | None = None
    reported: int | None = None
    decided: int | None = None
    verdict: str = ""
    restriction: bool = False


# Twenty working days are about twenty-eight days: who was reported before those is overdue.
COURSES: Final = (
    Course(agency="beijing", lodged=62, accepted=60, reported=46),
    Course(agency="guangdong", lodged=58, accepted=55, reported=43),
    Course(agency="guangdong", lodged=57, accepted=54, reported=43),
    Course(agency="guangdong", lodged=40, accepted=38, reported=30, decided=6, verdict="approve"),
    Course(agency="guangdong", lodged=39, accepted=38, reported=30, decided=6, verdict="refuse"),
    Course(agency="guangdong", lodged=38, accepted=36, reported=30, decided=5, verdict="remand"),
    Course(agency="shanghai", lodged=33, accepted=31, reported=20, decided=4, verdict="approve"),
    Course(agency="shanghai", lodged=32, accepted=30, reported=20),
    Course(agency="beijing", lodged=20, accepted=18, reported=9),
    Course(agency="shanghai", lodged=17, accepted=14, reported=3),
    Course(agency="guangdong", lodged=16, accepted=13, restriction=True),
    Course(agency="beijing", lodged=12, accepted=8),
    Course(agency="shanghai", lodged=2),
)

SECTIONS: Final[dict[Section, dict[str, Any]]] = {
    Section.PERSONAL: {
        "education": "21",
        "degree": "4",
        "school": "示例理工大学",
        "major": "安全工程",
        "graduation_date": "2021-06",
        "study_mode": "1",
        "mobile": "13800000000",
    },
    Section.REGISTRATION: {"category": "A5"},
    Section.EMPLOYER: {
        "name": "示例化工有限公司",
        "code": "91110000MA00000152",
        "attribute": "04",
        "province": "11",
        "city": "示例市",
        "district": "示例区",
        "address": "示例路1号",
        "postcode": "100020",
        "contact": "示例联系人",
        "phone": "010-00000001",
        "post": "安全管理",
        "contract_from": "2024-01-01",
        "contract_to": "2039-12-31",
        "contract_open_ended": False,
    },
    Section.DECLARATION: {"delivery": "1", "agreed": True},
}
WORK: Final[dict[str, Any]] = {
    "from": "2021-07",
    "to": "",
    "employer": "示例化工有限公司",
    "post": "安全员",
    "work": "1",
}


def fill(folder: Path) -> int:
    """Let the cases run their courses, once per database; how many. `folder` holds the roster's file."""
    with crossing.standing(crossing.Desk.AUTHORITY):
        if DocketEntry.objects.exists():
            return 0
        agencies = {agency.code: agency for agency in Agency.objects.all()}
    who = _people(folder)
    portrait = photos.read(_picture())
    running = [
        (course, _lodge(next(who), agencies[course.agency], portrait, on=course.lodged))
        for course in COURSES
        if course.agency in agencies
    ]
    for course, key in running:
        if course.accepted is not None:
            _accept(agencies[course.agency], key, course)
    _refer(agencies, running)
    for course, key in running:
        if course.decided is not None:
            _decide(key, course)
    _appeal()
    _plan_ahead()
    return len(running)


@contextmanager
def _days_ago(days: int) -> Iterator[None]:
    """The clock as it stood so many days ago."""
    clock.shift(-days * DAY)
    try:
        yield
    finally:
        clock.shift(0)


def _people(folder: Path) -> Iterator[Person]:
    """Who may apply for the first time, from the end of the roster: the play takes them from its head."""
    with (folder / "roster.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["备注"] == demo.FIRST_TIME_NOTE]
    for row in reversed(rows):
        with crossing.standing(crossing.Desk.AUTHORITY):
            person = Person.objects.select_related("user").get(
                document_digest=documents.digest(row["证件类型"], row["证件号码"])
            )
        yield person


def _officer(agency: Agency, role: roles.Role) -> Actor:
    """The first of the demonstration's staff who works there in this role."""
    username = next(
        each.username for each in demo.OFFICERS if each.agency == agency.code and each.role == role
    )
    with crossing.standing(crossing.Desk.AUTHORITY):
        user = User.objects.get(username=username)
    return Actor.staff(user, agency=agency, held=frozenset({role.code}))


def _lodge(person: Person, agency: Agency, portrait: photos.Portrait, *, on: int) -> Any:
    """Fill a first registration in and lodge it; the case's key."""
    with _days_ago(on), crossing.standing(crossing.Desk.APPLICANT), crossing.acting_as(person.pk):
        draft = filing.start(person=person, kind=Kind.INITIAL)
        draft = filing.choose_agency(application=draft, agency=agency)
        entries = Entries(sections=SECTIONS, rows={Section.EXPERIENCE: WORK}, portrait=portrait)
        filing.save(application=draft, entries=entries)
        found = filing.application_of(person, draft.pk)
        if found is None:
            raise RuntimeError(f"The draft {draft.pk} is gone.")
        filing.lodge(application=found)
    return draft.pk


def _accept(agency: Agency, key: Any, course: Course) -> None:
    by = _officer(agency, roles.REVIEWER)
    with _days_ago(course.accepted or 0), crossing.standing(crossing.Desk.AGENCY, agency):
        case = Case.objects.get(pk=key)
        casework.take_up(case=case, by=by)
        casework.accept(case=case, by=by)
    if course.restriction:
        second = _officer(agency, roles.SUPERVISOR)
        with crossing.standing(crossing.Desk.AGENCY, agency):
            casework.propose_restriction(
                case=Case.objects.get(pk=key), by=second, text="示例：工作经历证明与核查结果不符。"
            )


def _refer(agencies: dict[str, Agency], running: Sequence[tuple[Course, Any]]) -> None:
    """Review and send up: what an agency reported on one day went in one dispatch."""
    sent = [(course, key) for course, key in running if course.reported is not None]
    sent.sort(key=lambda each: (each[0].agency, -(each[0].reported or 0)))
    for (code, days), batch in groupby(sent, key=lambda each: (each[0].agency, each[0].reported or 0)):
        agency = agencies[code]
        by = _officer(agency, roles.REVIEWER)
        with _days_ago(days), crossing.standing(crossing.Desk.AGENCY, agency):
            cases = [Case.objects.get(pk=key) for _course, key in batch]
            for case in cases:
                _pass(case, by)
            casework.refer(cases=cases, by=by)


def _pass(case: Case, by: Actor) -> None:
    items = checklist.items_of(case.dossiers.get(version=case.version).content)
    marks = {item.key: (True, "") for item in items}
    casework.tick_all(case=case, by=by, version=case.version, marks=marks)
    casework.give_opinion(case=case, by=by, verdict=Opinion.Verdict.PASS, codes=[], text="")


def _decide(key: Any, course: Course) -> None:
    with crossing.standing(crossing.Desk.AUTHORITY):
        entry = DocketEntry.objects.select_related("agency").get(case_id=key)
        by = _officer(Agency.objects.get(kind=Agency.Kind.AUTHORITY), roles.FINAL_REVIEWER)
    with (
        _days_ago(course.decided or 0),
        crossing.standing(crossing.Desk.AUTHORITY),
        docket.opened(entry) as case,
    ):
        casework.take_up(case=case, by=by)
        if course.verdict == "approve":
            casework.approve(case=case, by=by)
        elif course.verdict == "refuse":
            casework.refuse(case=case, by=by, codes=["N05"], text="示例：资格证书无效。")
        else:
            casework.remand(case=case, by=by, text="示例：请核实聘用关系后重新报送。")


def _appeal() -> None:
    """Somebody whom the exam centre's roster does not know."""
    paper = _paper()
    proof = appeals.Proof(
        name="示例资格证书.jpg", content_type="image/jpeg", data=paper, sha256=sha256_hex(paper)
    )
    with crossing.standing(crossing.Desk.APPLICANT):
        appeals.lodge_appeal(
            name="郑测试",
            document_type=DocumentType.RESIDENT_ID,
            number="330000199105060016",
            certificate_number="DEMO0009999",
            exam_year=clock.today().year - 2,
            exam_place="示例考区",
            phone="13800000000",
            statement="示例：已取得资格证书，验证时提示查无记录。",
            proofs=[proof],
        )


def _plan_ahead() -> None:
    """One policy value that counts from a day to come."""
    with crossing.standing(crossing.Desk.AUTHORITY):
        policy_book.enter(
            key=policy_book.BY_KEY["draft_retention_days"],
            value=365,
            valid_from=clock.add_months(clock.today(), 2),
            source="示例：关于延长申请草稿保存期限的通知",
            by=User.objects.get(username="feng.authority"),
            at=clock.now(),
        )


def _picture() -> bytes:
    """A plainly drawn figure before a white ground, with the grain of a photograph."""
    picture = Image.new("RGB", (590, 826), "white")
    pen = ImageDraw.Draw(picture)
    pen.ellipse((90, 560, 500, 1150), fill=(38, 60, 92))
    pen.ellipse((185, 200, 405, 520), fill=(236, 205, 180))
    grain = Image.effect_noise(picture.size, 40).convert("RGB")
    return _jpeg(Image.blend(picture, grain, 0.08))


def _paper() -> bytes:
    picture = Image.new("RGB", (420, 594), "white")
    ImageDraw.Draw(picture).rectangle((40, 40, 380, 554), outline=(120, 120, 120), width=3)
    return _jpeg(picture)


def _jpeg(picture: Image.Image) -> bytes:
    kept = BytesIO()
    picture.save(kept, "JPEG", quality=92)
    return kept.getvalue()
