"""Every section refuses what the rules refuse, beside the field, in a sentence that says how to mend it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from intake.circumstances import Circumstances
from intake.flows import Section
from intake.forms import FORMS, ROW_FORMS
from register import clock, employer, policy
from register.models import Kind
from tests import factories
from tests.cast import Cast
from tests.intake.desk import EMPLOYER, EXPERIENCE, PERSONAL

pytestmark = pytest.mark.django_db

COMPLETE: dict[Section, dict[str, Any]] = {
    Section.PERSONAL: PERSONAL,
    Section.REGISTRATION: {"category": "A5"},
    Section.EMPLOYER: EMPLOYER,
    Section.PERFORMANCE: {"text": "负责本单位安全生产管理。"},
    Section.DECLARATION: {"delivery": "1", "agreed": True},
}


@pytest.fixture
def about(cast: Cast) -> Circumstances:
    """Zhang, born 1990, certificate of last year, initial registration in Beijing."""
    return Circumstances(
        person=cast.zhang,
        birth_date=cast.zhang.birth_date,
        kind=Kind.INITIAL,
        late=False,
        agency=cast.beijing,
        policy=policy.current(),
        today=clock.today(),
        qualification=cast.qualifications["zhang"],
        registration=None,
    )


def errors_of(section: Section, data: dict[str, Any], about: Circumstances) -> dict[str, list[str]]:
    form = FORMS[section].checking({**COMPLETE[section], **data}, about)
    return {name: [str(e) for e in errors] for name, errors in form.errors.items()}


@pytest.mark.parametrize("section", list(COMPLETE))
def test_a_complete_section_is_accepted(section: Section, about: Circumstances) -> None:
    assert errors_of(section, {}, about) == {}


TODAY = date.today()  # noqa: DTZ011 - the tests' own calendar
BAD: list[tuple[Section, dict[str, Any], str, str]] = [
    (Section.PERSONAL, {"mobile": ""}, "mobile", "请填写。"),
    (Section.PERSONAL, {"mobile": "12800005678"}, "mobile", "手机号码应为 11 位数字，以 13 至 19 开头。"),
    (Section.PERSONAL, {"education": ""}, "education", "请选择。"),
    (Section.PERSONAL, {"education": "XX"}, "education", "请从列表中选择。"),
    (
        Section.PERSONAL,
        {"graduation_date": "2004-12"},
        "graduation_date",
        "毕业时间过早：毕业时不满 15 周岁，请核对。",
    ),
    (
        Section.PERSONAL,
        {"graduation_date": f"{TODAY.year + 1}-01"},
        "graduation_date",
        "毕业时间不能晚于本月。",
    ),
    (Section.PERSONAL, {"graduation_date": "2012"}, "graduation_date", "请填写年份和月份，格式如 2020-03。"),
    (Section.PERSONAL, {"email": "zhang"}, "email", "请填写有效的电子邮箱，例如 zhang@example.cn。"),
    (Section.PERSONAL, {"postcode": "1000"}, "postcode", "邮政编码应为 6 位数字。"),
    (Section.REGISTRATION, {"category": ""}, "category", "请选择。"),
    (Section.REGISTRATION, {"category": "B1"}, "category", "请从列表中选择。"),
    (Section.EMPLOYER, {"name": ""}, "name", "请填写。"),
    (Section.EMPLOYER, {"code": "9111"}, "code", "统一社会信用代码应为 18 位，现为 4 位。"),
    (
        Section.EMPLOYER,
        {"code": "91350100M000100Y42"},
        "code",
        "统一社会信用代码校验位不符，请对照营业执照逐位核对。",
    ),
    (
        Section.EMPLOYER,
        {"code": employer.with_check_character("11110000MA0000015")},
        "code",
        "该代码属于国家机关。国家机关工作人员不能注册，请填写聘用您的企业或机构。",
    ),
    (Section.EMPLOYER, {"attribute": "00"}, "attribute", "请从列表中选择。"),
    (
        Section.EMPLOYER,
        {"phone": "12345"},
        "phone",
        "联系电话应为手机号码，或如 010-12345678、010-12345678-801。",
    ),
    (
        Section.EMPLOYER,
        {"contract_from": "2024-02-30"},
        "contract_from",
        "请填写存在的日期，格式如 2026-03-01。",
    ),
    (
        Section.EMPLOYER,
        {"contract_from": (TODAY + timedelta(days=5)).isoformat()},
        "contract_from",
        "劳动合同须已生效：起始日期不能晚于今天。",
    ),
    (
        Section.EMPLOYER,
        {"contract_to": ""},
        "contract_to",
        "请填写终止日期；没有终止日期的，请勾选“无固定期限劳动合同”。",
    ),
    (Section.EMPLOYER, {"contract_to": "2023-12-31"}, "contract_to", "终止日期不能早于起始日期。"),
    (
        Section.EMPLOYER,
        {"contract_to": (TODAY - timedelta(days=1)).isoformat()},
        "contract_to",
        "劳动合同已到期，请填写现行合同的终止日期。",
    ),
    (Section.PERFORMANCE, {"text": ""}, "text", "请填写。"),
    (Section.DECLARATION, {"agreed": False}, "agreed", "请阅读并勾选本人承诺。"),
    (Section.DECLARATION, {"delivery": ""}, "delivery", "请选择。"),
]


@pytest.mark.parametrize(("section", "data", "field", "message"), BAD)
def test_a_wrong_value_is_refused_beside_its_field(
    about: Circumstances, section: Section, data: dict[str, Any], field: str, message: str
) -> None:
    assert errors_of(section, data, about) == {field: [message]}


ROWS: list[tuple[dict[str, Any], str, str]] = [
    ({"from": ""}, "since", "请填写。"),
    ({"from": "2005-12"}, "since", "开始时间过早：当时不满 16 周岁，请核对。"),
    ({"from": f"{TODAY.year + 1}-01"}, "since", "开始时间不能晚于本月。"),
    ({"to": "2014-06"}, "until", "结束时间不能早于开始时间。"),
    (
        {"to": f"{TODAY.year + 1}-01"},
        "until",
        "结束时间不能晚于本月；仍在该单位工作的，请勾选“至今”。",
    ),
    ({"employer": ""}, "employer", "请填写。"),
    ({"work": ""}, "work", "请选择。"),
]


@pytest.mark.parametrize(("data", "field", "message"), ROWS)
def test_a_wrong_row_of_experience_is_refused(
    about: Circumstances, data: dict[str, Any], field: str, message: str
) -> None:
    form = ROW_FORMS[Section.EXPERIENCE].checking({**EXPERIENCE, **data}, about)
    assert {name: [str(e) for e in errors] for name, errors in form.errors.items()} == {field: [message]}


def test_a_row_of_experience_needs_an_end_or_reaches_to_this_day(about: Circumstances) -> None:
    form = ROW_FORMS[Section.EXPERIENCE](
        {f"experience-{n}": v for n, v in {**EXPERIENCE, "since": "2014-07", "until": ""}.items()},
        about=about,
    )
    assert form.errors["until"] == ["请填写结束时间；仍在该单位工作的，请勾选“至今”。"]


def test_only_one_row_reaches_to_this_day(about: Circumstances) -> None:
    form = ROW_FORMS[Section.EXPERIENCE].checking(EXPERIENCE, about, [EXPERIENCE])
    assert form.errors["ongoing"] == ["只能有一段经历填写“至今”，请先给另一段填写结束时间。"]


def test_overlapping_rows_are_a_warning_only(about: Circumstances) -> None:
    earlier = {**EXPERIENCE, "from": "2012-01", "to": "2015-01"}
    form = ROW_FORMS[Section.EXPERIENCE].checking(EXPERIENCE, about, [earlier])
    assert (form.errors, len(form.warnings)) == ({}, 1)


def test_the_first_of_the_month_before_a_birthday_counts_by_months(about: Circumstances) -> None:
    """Months carry no day: whoever turns sixteen in a month may have begun in it."""
    young = replace(about, birth_date=date(1998, 7, 31))
    form = ROW_FORMS[Section.EXPERIENCE].checking({**EXPERIENCE, "from": "2014-07"}, young)
    assert form.errors == {}


def test_an_open_ended_contract_needs_no_end(about: Circumstances) -> None:
    form = FORMS[Section.EMPLOYER].checking(
        {**EMPLOYER, "contract_to": "", "contract_open_ended": True}, about
    )
    assert form.is_valid()
    assert form.storable()["contract_to"] == ""


def test_a_contract_that_soon_ends_is_a_warning_only(about: Circumstances) -> None:
    soon = (about.today + timedelta(days=10)).isoformat()
    form = FORMS[Section.EMPLOYER].checking({**EMPLOYER, "contract_to": soon}, about)
    assert form.is_valid()
    assert [str(w) for w in form.warnings] == ["劳动合同将在 30 天内到期，建议续签后再上报。"]


def test_in_the_central_enterprise_channel_the_group_is_required(cast: Cast, about: Circumstances) -> None:
    there = replace(about, agency=cast.sinopec)
    assert errors_of(Section.EMPLOYER, {}, there) == {"group": ["请填写。"]}


def test_what_the_document_tells_is_not_asked(cast: Cast, about: Circumstances) -> None:
    assert "birth_date" not in FORMS[Section.PERSONAL](about=about).fields
    passport = factories.person("外测", "E12345678", type="03")
    stranger = replace(about, person=passport, birth_date=None)
    assert errors_of(Section.PERSONAL, {}, stranger) == {"sex": ["请选择。"], "birth_date": ["请填写。"]}


def test_a_category_that_is_not_the_exams_is_a_warning_only(about: Circumstances) -> None:
    held = about.qualification
    assert held is not None
    held.category = "B1"
    form = FORMS[Section.REGISTRATION].checking({"category": "A4"}, about)
    assert form.is_valid()
    assert len(form.warnings) == 1


def test_a_change_must_change_what_it_names(cast: Cast, about: Circumstances) -> None:
    registration = factories.registration(cast.zhang, cast.beijing, category="A5")
    change = replace(about, kind=Kind.CHANGE, registration=registration)
    same = {"change_items": ["2"], "category": "A5"}
    unsaid = {"change_items": ["1"], "category": "A1"}
    assert list(errors_of(Section.REGISTRATION, same, change)) == ["category"]
    assert list(errors_of(Section.REGISTRATION, unsaid, change)) == ["change_items"]


def test_a_correction_keeps_every_field_it_does_not_name(about: Circumstances) -> None:
    data = {
        f"employer-{name}": value for name, value in {**EMPLOYER, "name": "另一家", "city": "天津市"}.items()
    }
    form = FORMS[Section.EMPLOYER](data, about=about, stored=EMPLOYER, only=frozenset({"city"}))
    assert form.is_valid()
    assert (form.storable()["name"], form.storable()["city"]) == (EMPLOYER["name"], "天津市")
    assert [field.name for _legend, fields in form.groups() for field in fields] == ["city"]


@pytest.mark.parametrize(
    ("code", "errors", "warnings"),
    [
        ("91110000MA00000152", [], 0),
        ("91310000MA1ABCDE8U", ["延续注册须在原聘用单位办理；已更换单位的，请先办理变更注册。"], 0),
    ],
)
def test_where_the_policy_says_so_a_renewal_stays_with_its_employer(
    cast: Cast, about: Circumstances, code: str, errors: list[str], warnings: int
) -> None:
    held = factories.registration(cast.zhang, cast.beijing)
    strict = replace(about.policy, renewal_same_employer=True)
    renewal = replace(about, kind=Kind.RENEWAL, registration=held, policy=strict)
    form = FORMS[Section.EMPLOYER].checking({**EMPLOYER, "code": code}, renewal)
    assert ([str(error) for error in form.errors.get("code", [])], len(form.warnings)) == (errors, warnings)


def test_without_that_policy_another_employer_is_only_asked_about(cast: Cast, about: Circumstances) -> None:
    held = factories.registration(cast.zhang, cast.beijing)
    renewal = replace(about, kind=Kind.RENEWAL, registration=held)
    form = FORMS[Section.EMPLOYER].checking({**EMPLOYER, "code": "91310000MA1ABCDE8U"}, renewal)
    assert form.is_valid()
    assert [str(warning) for warning in form.warnings] == [
        "聘用单位与原注册单位不同，请确认是否应先办理变更注册。"
    ]
