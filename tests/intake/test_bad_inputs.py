"""What people type, right and wrong, through the real pages: each fault beside its field, nothing lost.

The cases stand in `tests/data/bad_inputs.csv`. `input` is what is typed into one field of an otherwise good
page; `expected` is a part of the message beside it, or `ok`, and then `stored` is what is kept. In both,
`\\u202e` writes a character by its number, `⟦校*101⟧` a repetition, `⟦today-1⟧` and `⟦month+1⟧` a date from
the day of the test, `⟦missing⟧` a field that is not sent. `also` sets further fields.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from bs4 import BeautifulSoup, Tag
from django.http import HttpResponse
from django.test import Client

from intake import filing
from intake.flows import ROWS, Section, step_of_section
from intake.models import Application
from register import clock
from register.models import Kind, Person, TrainingHours
from tests import factories
from tests.cast import Cast
from tests.intake.desk import (
    DECLARATION,
    EMPLOYER,
    PERSONAL,
    REGISTRATION,
    add_row,
    attach_photo,
    browser,
    captcha,
    entered,
    portrait,
    posted,
)

pytestmark = pytest.mark.django_db

DATA: Final = Path(__file__).parents[1] / "data" / "bad_inputs.csv"
MISSING: Final = "⟦missing⟧"
IDENTITY: Final = "/password/set/"

KIND_OF: Final = {
    "initial": Kind.INITIAL,
    "late": Kind.INITIAL,
    "passport": Kind.INITIAL,
    "enterprise": Kind.INITIAL,
    "two-rows": Kind.INITIAL,
    "change": Kind.CHANGE,
    "renewal": Kind.RENEWAL,
    "two-courses": Kind.RENEWAL,
    "imported": Kind.RENEWAL,
    "reregister": Kind.REREGISTRATION,
}
# How long ago the registration was granted, in years.
BEGUN: Final = {Kind.CHANGE: 1, Kind.RENEWAL: 3, Kind.REREGISTRATION: 5}
ROW: Final[dict[str, Any]] = {
    "since": "2014-07",
    "until": "",
    "ongoing": "on",
    "employer": EMPLOYER["name"],
    "post": "安全员",
    "work": "1",
    "witness": "",
    "witness_phone": "",
}


@dataclass(frozen=True, slots=True)
class Case:
    """One line of the table."""

    id: str
    situation: str
    section: str
    field: str
    input: str
    expected: str
    stored: str
    warning: str
    also: str

    @property
    def fine(self) -> bool:
        return self.expected == "ok"

    @property
    def fields(self) -> dict[str, Any]:
        """The field under test and those that go with it, by their names on the page."""
        pairs = [part.split("=", 1) for part in self.also.split(";") if part]
        return {self.name: _several(self.input), **{name: _several(value) for name, value in pairs}}

    @property
    def name(self) -> str:
        return self.field if self.section in ("identity", "channel") else f"{self.section}-{self.field}"


def meant(text: str) -> str:
    """The text as it is typed: characters by number, repetitions, dates."""
    text = re.sub(r"⟦(.+?)\*(\d+)⟧", lambda found: found[1] * int(found[2]), text)
    text = re.sub(r"⟦today([+-]\d+)?⟧", lambda found: _day(int(found[1] or 0)), text)
    text = re.sub(r"⟦month([+-]\d+)?⟧", lambda found: _month(int(found[1] or 0)), text)
    text = re.sub(r"\\U([0-9a-f]{8})|\\u([0-9a-f]{4})|\\x([0-9a-f]{2})", _character, text)
    return text.replace(r"\n", "\n").replace(r"\r", "\r")


def _character(found: re.Match[str]) -> str:
    return chr(int(next(filter(None, found.groups())), 16))


def _day(days: int) -> str:
    return (clock.today() + timedelta(days=days)).isoformat()


def _month(months: int) -> str:
    return f"{clock.add_months(clock.today().replace(day=1), months):%Y-%m}"


def _several(text: str) -> Any:
    typed = meant(text)
    return typed.split("|") if "|" in typed and "calc" not in typed else typed


def cases() -> list[Case]:
    with DATA.open(encoding="utf-8", newline="") as file:
        return [Case(**row) for row in csv.DictReader(file)]


CASES: Final = cases()


# --- The page with one thing on it -------------------------------------------------------------------


@dataclass(slots=True)
class Visit:
    """An applicant with a draft, and the step that is posted."""

    client: Client
    draft: Application
    section: Section
    page: dict[str, Any]

    @property
    def path(self) -> str:
        hours_count = self.draft.kind == Kind.RENEWAL or self.draft.late
        step = step_of_section(self.draft.kind, self.section, hours_count=hours_count)
        assert step is not None
        return f"/applications/{self.draft.pk}/steps/{step.slug}/"

    def post(self, fields: Mapping[str, Any]) -> HttpResponse:
        sent = {name: value for name, value in {**self.page, **fields}.items() if value != MISSING}
        return self.client.post(self.path, sent)  # type: ignore[return-value]

    def stored(self) -> Any:
        """What the draft holds of the section now."""
        self.draft.refresh_from_db()
        return self.draft.sections.get(self.section)


def visit(cast: Cast, case: Case) -> Visit:
    """The situation of a case, with a page on which everything is right."""
    kind, person = KIND_OF[case.situation], _person(cast, case)
    agency = cast.sinopec if case.situation == "enterprise" else cast.beijing
    _register(cast, case, person)
    with cast.at_applicants_desk(person):
        draft = filing.start(person=person, kind=kind)
        if case.section != "channel":
            filing.choose_agency(application=draft, agency=agency)
        if case.section == "declaration":
            attach_photo(application=draft, upload=portrait())
        if case.situation == "two-rows":
            add_row(application=draft, section=Section.EXPERIENCE, row=_stored_row())
        if case.situation == "two-courses":
            add_row(application=draft, section=Section.EDUCATION, row={**_course(), "certificate": "P0"})
        kept = filing.application_of(person, draft.pk)
        assert kept is not None
    section = Section(case.section)
    page = _good_page(kind, section)
    if case.situation == "passport":
        page |= {"personal-sex": "1", "personal-birth_date": "1985-06-01"}
    return Visit(entered(person), kept, section, page)


def _person(cast: Cast, case: Case) -> Person:
    if case.situation != "passport":
        return cast.zhang
    person = factories.person("外测", "E12345678", type="03")
    factories.qualification(person)
    return person


def _register(cast: Cast, case: Case, person: Person) -> None:
    """What the register knows before the draft begins."""
    kind = KIND_OF[case.situation]
    if kind in BEGUN:
        since = clock.add_years(clock.today(), -BEGUN[kind]) + timedelta(days=30)
        factories.registration(person, cast.beijing, valid_from=since, category="A5")
    if case.situation == "late":
        held = cast.qualifications["zhang"]
        held.issued_on = clock.add_years(clock.today(), -4)
        held.save(update_fields=["issued_on"])
    if case.situation == "imported":
        day = clock.today() - timedelta(days=20)
        TrainingHours.objects.create(
            person=person,
            agency=cast.beijing,
            institution="示例培训中心",
            begun_on=day,
            ended_on=day,
            hours=8,
            certificate_number="TR-1",
        )


def _course() -> dict[str, Any]:
    return {
        "from": _day(-10),
        "to": _day(-9),
        "provider": "示例培训中心",
        "course": "安全生产管理",
        "course_class": "1",
        "hours": "8",
        "certificate": "P1",
    }


def _stored_row() -> dict[str, Any]:
    row = {**ROW, "from": ROW["since"], "to": ""}
    return {name: value for name, value in row.items() if name not in ("since", "until", "ongoing")}


def _good_page(kind: Kind, section: Section) -> dict[str, Any]:
    """Everything that is posted with the step of this section."""
    course = _course()
    pages: dict[Section, dict[str, Any]] = {
        Section.CHANNEL: {"agency": "beijing"},
        Section.PERSONAL: posted(Section.PERSONAL, PERSONAL),
        Section.REGISTRATION: posted(Section.REGISTRATION, REGISTRATION),
        Section.EMPLOYER: posted(Section.EMPLOYER, EMPLOYER),
        Section.EXPERIENCE: posted(Section.EXPERIENCE, ROW),
        Section.EDUCATION: posted(
            Section.EDUCATION, {"since": course.pop("from"), "until": course.pop("to"), **course}
        ),
        Section.PERFORMANCE: posted(Section.PERFORMANCE, {"text": "负责本单位安全生产管理。"}),
        Section.DECLARATION: posted(Section.DECLARATION, {**DECLARATION, "agreed": "on"}),
    }
    if kind == Kind.CHANGE:
        pages[Section.REGISTRATION]["registration-change_items"] = "1"
        pages[Section.EMPLOYER] |= {
            "employer-name": "天津示例技术有限公司",
            "employer-code": "91310000MA1ABCDE8U",
        }
    hours_count = kind == Kind.RENEWAL or section == Section.EDUCATION
    step = step_of_section(kind, section, hours_count=hours_count)
    assert step is not None
    together = [part for part in step.sections if part == section or part not in ROWS]
    page = {name: value for part in together for name, value in pages[part].items()}
    return page | {"go": "add" if section in ROWS else "next"}


# --- What the page says ------------------------------------------------------------------------------


def errors_beside(page: BeautifulSoup, name: str) -> str:
    """The message beside a field."""
    found = page.find(id=f"id_{name}_error")
    return found.get_text(" ", strip=True) if isinstance(found, Tag) else ""


def value_of(page: BeautifulSoup, name: str) -> str | None:
    """What stands in a line or a text of the page; None for anything that is chosen."""
    control = page.find(["input", "textarea"], attrs={"name": name})
    if not isinstance(control, Tag) or control.get("type") in ("radio", "checkbox", "file"):
        return None
    return control.get_text() if control.name == "textarea" else str(control.get("value") or "")


def visible(text: str) -> str:
    """Without line ends and marks that no page carries."""
    return "".join(char for char in text.replace("\r", "") if char.isprintable() or char == "\n").strip()


def bad_page(answer: HttpResponse, name: str, said: str) -> BeautifulSoup:
    assert answer.status_code == 200
    page = BeautifulSoup(answer.content, "html.parser")
    assert said in errors_beside(page, name)
    assert page.select_one(".error-summary") is not None
    return page


# --- The table ---------------------------------------------------------------------------------------

ON_STEPS: Final = [case for case in CASES if case.section not in ("identity", "channel")]
WRONG: Final = [case for case in ON_STEPS if not case.fine]
RIGHT: Final = [case for case in ON_STEPS if case.fine]


def test_the_table_is_long_enough() -> None:
    assert sum(not case.fine for case in CASES) >= 150
    assert len({case.id for case in CASES}) == len(CASES)


@pytest.mark.parametrize("case", WRONG, ids=lambda case: case.id)
def test_a_wrong_value_is_said_beside_its_field_and_nothing_is_lost(cast: Cast, case: Case) -> None:
    on = visit(cast, case)
    before = on.stored()
    page = bad_page(on.post(case.fields), case.name, case.expected)
    sent = {**on.page, **case.fields}
    for name, value in sent.items():
        shown = value_of(page, name)
        if shown is not None and value != MISSING and name.startswith(case.section):
            assert visible(shown) == visible(str(value)), name
    _nothing_half_written(on, case, before, page)


def _nothing_half_written(on: Visit, case: Case, before: Any, page: BeautifulSoup) -> None:
    """The wrong value is not kept, the others on the page are; a row is added as a whole or not at all."""
    after = on.stored()
    assert on.draft.status == Application.Status.DRAFT
    if on.section in ROWS:
        assert after == before
        return
    assert (after or {}).get(case.field) == (before or {}).get(case.field)
    beside = [name for name in on.page if name.startswith(f"{case.section}-") and name not in case.fields]
    kept = {name for name in beside if value_of(page, name) is not None}
    assert {name.partition("-")[2] for name in kept} <= set(after or {})


@pytest.mark.parametrize("case", RIGHT, ids=lambda case: case.id)
def test_a_value_that_looks_odd_is_kept_as_it_should_be(cast: Cast, case: Case) -> None:
    on = visit(cast, case)
    answer = on.post(case.fields)
    assert answer.status_code == 302, errors_beside(BeautifulSoup(answer.content, "html.parser"), case.name)
    kept = on.stored()
    row = next(one for one in kept if one.get("certificate") != "P0") if on.section in ROWS else kept
    field = {"since": "from", "until": "to"}.get(case.field, case.field) if on.section in ROWS else case.field
    assert row[field] == meant(case.stored)
    if case.warning:
        page = BeautifulSoup(on.client.get(answer["Location"]).content, "html.parser")
        assert case.warning in page.get_text()


@pytest.mark.parametrize(
    "case", [case for case in CASES if case.section == "channel"], ids=lambda case: case.id
)
def test_an_agency_that_is_none_is_refused(cast: Cast, case: Case) -> None:
    on = visit(cast, case)
    answer = on.post(case.fields)
    assert answer.status_code == 200
    assert case.expected in answer.content.decode()
    on.draft.refresh_from_db()
    assert on.draft.agency is None


@pytest.mark.parametrize(
    "case", [case for case in CASES if case.section == "identity"], ids=lambda case: case.id
)
def test_an_identity_that_is_none_is_refused(cast: Cast, case: Case) -> None:
    client = browser()
    sent = {
        "name": "张测试",
        "document_type": "01",
        "number": "11010519491231002X",
        "certificate_number": "CS00099999",
        **captcha(client, IDENTITY),
        **case.fields,
    }
    answer = client.post(IDENTITY, sent)
    assert answer.status_code == 200
    page = BeautifulSoup(answer.content, "html.parser")
    beside = errors_beside(page, case.name) or errors_beside(page, "document_type")
    whole = "".join(one.get_text() for one in page.select(".error-summary"))
    assert case.expected in (whole if case.expected.startswith("没有找到") else beside)
    for name in ("name", "number", "certificate_number"):
        assert visible(value_of(page, name) or "") == visible(str(sent[name]))


# --- What no table of single fields can say ------------------------------------------------------------


def test_fields_that_are_not_asked_for_are_not_kept(cast: Cast) -> None:
    on = visit(cast, Case("", "initial", "personal", "school", "", "ok", "", "", ""))
    extra = {
        "personal-name": "李四",
        "personal-id_number": "11010519491231002X",
        "personal-birth_date": "1900-01-01",
        "employer-name": "别的单位",
        "status": "lodged",
    }
    assert on.post({"personal-school": "示例大学", **extra}).status_code == 302
    assert set(on.stored()) == set(PERSONAL)
    assert ("employer" in on.draft.sections, on.draft.status) == (False, Application.Status.DRAFT)


def test_an_empty_page_says_what_is_missing_and_keeps_nothing_wrong(cast: Cast) -> None:
    on = visit(cast, Case("", "initial", "employer", "name", "", "ok", "", "", ""))
    answer = on.client.post(on.path, {"go": "next"})
    page = BeautifulSoup(answer.content, "html.parser")
    asked = {"name", "code", "attribute", "province", "city", "district", "address", "postcode", "contact"}
    asked |= {"phone", "post", "contract_from", "contract_to"}
    assert {name for name in asked if errors_beside(page, f"employer-{name}")} == asked


def test_thirty_rows_can_be_filled_in_and_one_too_many_is_told(cast: Cast) -> None:
    on = visit(cast, Case("", "initial", "experience", "since", "", "ok", "", "", ""))
    for number in range(30):
        month = f"{2008 + number // 12}-{number % 12 + 1:02d}"
        sent = {"experience-since": month, "experience-until": month, "experience-ongoing": MISSING}
        assert on.post(sent).status_code == 302
    assert len(on.stored()) == 30
    assert on.client.get(on.path).content.decode().count("/rows/experience/") == 30
    with cast.at_applicants_desk(cast.zhang):
        for number in range(30, 50):
            row = {**_stored_row(), "from": f"2011-{number % 12 + 1:02d}", "to": "2011-12"}
            add_row(application=on.draft, section=Section.EXPERIENCE, row=row)
    bad_page(on.post({}), "experience-since", "最多填写 50 段经历")


def test_ten_thousand_unknown_fields_break_nothing(cast: Cast) -> None:
    on = visit(cast, Case("", "initial", "personal", "school", "", "ok", "", "", ""))
    answer = on.post({f"personal-x{number}": "1" for number in range(3000)})
    assert answer.status_code == 400
    assert on.stored() is None
