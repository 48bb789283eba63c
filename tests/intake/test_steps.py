"""The four kinds step by step: what stands on each, what blocks, and the check before lodging."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import pytest
from bs4 import BeautifulSoup
from django.test import Client

from intake import circumstances, completeness, dossier, filing
from intake.flows import Section
from intake.models import Application
from register import clock, codes, memory
from register.models import DocketEntry, Kind, Registration, TrainingHours
from register.models import Policy as PolicyRow
from tests import factories
from tests.cast import Cast
from tests.intake.desk import (
    DECLARATION,
    EMPLOYER,
    EXPERIENCE,
    PERSONAL,
    REGISTRATION,
    add_row,
    attach_photo,
    entered,
    filled,
    portrait,
    posted,
    words,
)

pytestmark = pytest.mark.django_db

BEGUN = {Kind.CHANGE: 1, Kind.RENEWAL: 3, Kind.REREGISTRATION: 5}


@pytest.fixture
def client(cast: Cast) -> Client:
    """Zhang's browser."""
    return entered(cast.zhang)


def registered(cast: Cast, kind: Kind, **fields: Any) -> Registration | None:
    """What the register holds of Zhang so that this kind may be applied for."""
    if kind == Kind.INITIAL:
        return None
    since = clock.add_years(clock.today(), -BEGUN[kind]) + timedelta(days=30)
    return factories.registration(cast.zhang, cast.beijing, valid_from=since, category="A5", **fields)


def begun(cast: Cast, kind: Kind) -> Application:
    registered(cast, kind)
    with cast.at_applicants_desk(cast.zhang):
        return filing.start(person=cast.zhang, kind=kind)


def late(cast: Cast) -> None:
    cast.qualifications["zhang"].issued_on = clock.add_years(clock.today(), -4)
    cast.qualifications["zhang"].save(update_fields=["issued_on"])


def policy_says(**values: Any) -> None:
    for key, value in values.items():
        PolicyRow.objects.create(key=key, value=value, valid_from=date(2020, 1, 1), source="示例")
    memory.forget_all()


def page_of(client: Client, draft: Application, slug: str) -> BeautifulSoup:
    answer = client.get(f"/applications/{draft.pk}/steps/{slug}/")
    assert answer.status_code == 200
    return BeautifulSoup(answer.content, "html.parser")


def fields_of(page: BeautifulSoup) -> dict[str, bool]:
    """The fields of a step by name, and whether 必填 stands at them."""
    found: dict[str, bool] = {}
    for control in page.select(".wizard [name]"):
        name = str(control["name"])
        box = control.find_parent(class_="field")
        if "-" in name and box is not None:
            found[name] = box.select_one(".required") is not None
    return found


def steps_of(html: bytes) -> list[tuple[str, str, str]]:
    """The navigator: label, how the step stands, and what is missing on it."""
    page = BeautifulSoup(html, "html.parser")
    shown = []
    for item in page.select(".steps .step"):
        status = next(name for name in item["class"] if name.startswith("step-")).removeprefix("step-")
        note = item.select_one(".step-note")
        label = item.select_one(".step-label")
        assert label is not None
        first = label.find(string=True)
        shown.append((str(first).strip(), status, note.get_text(strip=True) if note else ""))
    return shown


# --- Steps, buttons and fields of each kind ----------------------------------------------------------

# The manual's steps (figures 7, 14, 19 and 25) with the words on their buttons.
WAYS = {
    (Kind.INITIAL, False): [
        ("channel", "选择注册渠道", "下一步"),
        ("personal", "填写个人基本信息", "下一步"),
        ("employer", "填写聘用单位信息", "下一步"),
        ("experience", "填写工作经历", "预览"),
        ("preview", "预览、打印和上报", "上报"),
    ],
    (Kind.INITIAL, True): [
        ("channel", "选择注册渠道", "下一步"),
        ("personal", "填写个人基本信息", "下一步"),
        ("employer", "填写聘用单位信息", "下一步"),
        ("education", "填写继续教育信息", "下一步"),
        ("experience", "填写工作经历", "预览"),
        ("preview", "预览、打印和上报", "上报"),
    ],
    (Kind.CHANGE, False): [
        ("personal", "修改个人基本信息", "确认更新"),
        ("registration", "变更个人注册信息", "下一步"),
        ("experience", "填写工作经历", "预览"),
        ("preview", "预览、打印和上报", "上报"),
    ],
    (Kind.RENEWAL, False): [
        ("personal", "更新个人基本信息", "确认更新"),
        ("employer", "更新聘用单位信息", "下一步"),
        ("education", "填写继续教育信息", "下一步"),
        ("experience", "更新工作经历", "预览"),
        ("preview", "预览、打印和上报", "上报"),
    ],
    (Kind.REREGISTRATION, False): [
        ("channel", "选择注册渠道", "下一步"),
        ("employer", "填写聘用单位信息", "下一步"),
        ("experience", "更新工作经历", "预览"),
        ("preview", "预览、打印和上报", "上报"),
    ],
    (Kind.REREGISTRATION, True): [
        ("channel", "选择注册渠道", "下一步"),
        ("employer", "填写聘用单位信息", "下一步"),
        ("education", "填写继续教育信息", "下一步"),
        ("experience", "更新工作经历", "预览"),
        ("preview", "预览、打印和上报", "上报"),
    ],
}


@pytest.mark.parametrize(("kind", "with_hours"), list(WAYS))
def test_each_kind_has_the_manuals_steps_in_its_order(
    cast: Cast, client: Client, kind: Kind, with_hours: bool
) -> None:
    if with_hours and kind == Kind.INITIAL:
        late(cast)
    if with_hours and kind == Kind.REREGISTRATION:
        policy_says(reregistration_hours=True)
    draft = begun(cast, kind)
    way = WAYS[kind, with_hours]
    for slug, label, button in way:
        answer = client.get(f"/applications/{draft.pk}/steps/{slug}/")
        page = BeautifulSoup(answer.content, "html.parser")
        assert [step[0] for step in steps_of(answer.content)] == [each[1] for each in way]
        assert next(one for one in steps_of(answer.content) if one[1] == "now")[0] == label
        buttons = [each.get_text(strip=True) for each in page.select("main button.btn-primary")]
        assert button in buttons


def test_the_steps_of_a_kind_not_begun_are_those_it_will_have(cast: Cast, client: Client) -> None:
    policy_says(reregistration_hours=True)
    registered(cast, Kind.REREGISTRATION)
    shown = steps_of(client.get("/applications/new/reregister/").content)
    assert [label for label, _status, _note in shown] == [
        label for _slug, label, _button in WAYS[Kind.REREGISTRATION, True]
    ]


BLOCK_E = {
    "name": True,
    "code": True,
    "attribute": True,
    "ownership": False,
    "industry": False,
    "group": False,
    "legal_representative": False,
    "province": True,
    "city": True,
    "district": True,
    "address": True,
    "postcode": True,
    "headcount": False,
    "contact": True,
    "phone": True,
    "email": False,
    "post": True,
    "contract_from": True,
    "contract_to": False,
    "contract_open_ended": False,
}
BLOCK_B = {"education": False, "degree": False, "title": False, "title_name": False, "post": False}
BLOCK_B |= {"mobile": True, "email": False, "phone": False, "address": False, "postcode": False}
FIRST_B = dict.fromkeys(("education", "degree", "school", "major", "graduation_date", "study_mode"), True)
BLOCK_F = {"since": True, "until": False, "ongoing": False, "employer": True, "post": True, "work": True}
BLOCK_F |= {"witness": False, "witness_phone": False}
BLOCK_G = {"since": True, "until": True, "provider": True, "course": False, "course_class": False}
BLOCK_G |= {"hours": True, "certificate": True}


def of(section: str, block: Mapping[str, bool]) -> dict[str, bool]:
    return {f"{section}-{name}": required for name, required in block.items()}


FIELDS = [
    (Kind.INITIAL, "personal", of("personal", BLOCK_B | FIRST_B) | {"registration-category": True}),
    (Kind.INITIAL, "employer", of("employer", BLOCK_E)),
    (Kind.INITIAL, "experience", of("experience", BLOCK_F)),
    (Kind.CHANGE, "personal", of("personal", BLOCK_B)),
    (
        Kind.CHANGE,
        "registration",
        of("employer", BLOCK_E) | {"registration-change_items": True, "registration-category": True},
    ),
    (Kind.CHANGE, "experience", of("experience", BLOCK_F)),
    (Kind.RENEWAL, "personal", of("personal", BLOCK_B)),
    (Kind.RENEWAL, "employer", of("employer", BLOCK_E)),
    (Kind.RENEWAL, "education", of("education", BLOCK_G) | {"performance-text": True}),
    (Kind.RENEWAL, "experience", of("experience", BLOCK_F)),
    (Kind.REREGISTRATION, "personal", of("personal", BLOCK_B)),
    (Kind.REREGISTRATION, "employer", of("employer", BLOCK_E) | {"registration-category": True}),
    (Kind.REREGISTRATION, "experience", of("experience", BLOCK_F)),
]


@pytest.mark.parametrize(("kind", "slug", "fields"), FIELDS)
def test_each_step_asks_for_its_fields_and_marks_what_must_be_filled(
    cast: Cast, client: Client, kind: Kind, slug: str, fields: dict[str, bool]
) -> None:
    draft = begun(cast, kind)
    shown = fields_of(page_of(client, draft, slug))
    assert {name: must for name, must in shown.items() if name != "photo-file"} == fields


LOCKED = [
    (Kind.INITIAL, "personal", ["张测", "居民身份证", "资格证书编号", "CS00000101", "考试年度", "发证机关"]),
    (Kind.CHANGE, "registration", ["执业证编号", "首次注册日期", "有效期起", "有效期止", "原聘用单位"]),
    (Kind.RENEWAL, "employer", ["执业证编号", "首次注册日期", "有效期起", "有效期止"]),
    (Kind.REREGISTRATION, "employer", ["执业证编号", "首次注册日期", "有效期止", "资格证书编号"]),
]


@pytest.mark.parametrize(("kind", "slug", "said"), LOCKED)
def test_what_roster_and_register_know_is_shown_and_cannot_be_typed(
    cast: Cast, client: Client, kind: Kind, slug: str, said: list[str]
) -> None:
    page = page_of(client, begun(cast, kind), slug)
    text = page.get_text()
    assert [word for word in said if word not in text] == []
    for name in ("name", "id_number", "sex", "birth_date", "number", "valid_to", "certificate_number"):
        assert page.select(f"[name=personal-{name}], [name=registration-{name}]") == []


def test_a_change_shows_the_registered_value_beside_the_new_one(cast: Cast, client: Client) -> None:
    page = page_of(client, begun(cast, Kind.CHANGE), "registration")
    pairs = [pair.get_text(" ", strip=True) for pair in page.select(".compare")]
    assert ["其他安全" in pairs[0], "北京示例化工有限公司" in pairs[1], EMPLOYER["code"] in pairs[2]] == [
        True
    ] * 3
    names = [str(control["name"]) for control in page.select(".compare [name]")]
    assert names == ["registration-category", "employer-name", "employer-code"]


def test_the_groups_name_is_asked_for_by_the_word_of_the_channel(cast: Cast, client: Client) -> None:
    draft = begun(cast, Kind.INITIAL)
    said = {}
    for agency in (cast.beijing, cast.mohurd, cast.sinopec):
        with cast.at_applicants_desk(cast.zhang):
            filing.choose_agency(application=draft, agency=agency)
        label = page_of(client, draft, "employer").select_one("label[for=id_employer-group]")
        assert label is not None
        said[agency.code] = label.get_text(" ", strip=True)
    assert said == {"beijing": "主管部门或所属集团", "mohurd": "主管部门", "sinopec": "所属集团 * 必填"}


def test_whoever_was_registered_updates_what_was_lodged_last(cast: Cast) -> None:
    """更新工作经历, 更新聘用单位信息: nothing known is typed twice."""
    with cast.at_applicants_desk(cast.zhang):
        old = filled(cast.zhang, cast.beijing)
        filing.lodge(application=old)
    DocketEntry.objects.update(open=False, state="issued")
    registered(cast, Kind.RENEWAL)
    with cast.at_applicants_desk(cast.zhang):
        draft = filing.start(person=cast.zhang, kind=Kind.RENEWAL)
    assert draft.sections["experience"] == old.sections["experience"]
    assert draft.sections["employer"]["district"] == EMPLOYER["district"]
    assert "declaration" not in draft.sections


# --- What blocks --------------------------------------------------------------------------------------


def test_the_navigator_says_what_is_done_and_how_much_is_missing_where(cast: Cast, client: Client) -> None:
    draft = begun(cast, Kind.INITIAL)
    base = f"/applications/{draft.pk}"
    client.post(f"{base}/steps/channel/", {"agency": "beijing"})
    typed = posted(Section.PERSONAL, PERSONAL) | posted(Section.REGISTRATION, REGISTRATION)
    client.post(f"{base}/steps/personal/", {**typed, "personal-school": "", "go": "next"})
    at_employer = steps_of(client.get(f"{base}/steps/employer/").content)
    assert at_employer == [
        ("选择注册渠道", "done", ""),
        ("填写个人基本信息", "blocked", "还差 2 项"),
        ("填写聘用单位信息", "now", ""),
        ("填写工作经历", "next", ""),
        ("预览、打印和上报", "next", ""),
    ]
    assert [one[1] for one in steps_of(client.get("/applications/new/initial/").content)] == [
        "done",
        "blocked",
        "next",
        "next",
        "next",
    ]


def test_the_first_page_of_a_kind_says_why_it_cannot_be_begun(cast: Cast, client: Client) -> None:
    registered(cast, Kind.CHANGE)
    answer = client.get("/applications/new/renewal/")
    assert "延续注册将于" in words(answer.content)
    assert "开始延续注册" not in words(answer.content)
    assert "开始变更注册" in words(client.get("/applications/new/change/").content)


def test_a_draft_is_not_given_up_for_a_kind_that_cannot_be_begun(cast: Cast, client: Client) -> None:
    draft = begun(cast, Kind.INITIAL)
    client.post("/applications/new/renewal/", {"discard": str(draft.pk)})
    draft.refresh_from_db()
    assert draft.status == Application.Status.DRAFT


def test_re_registration_lists_what_is_missing_in_the_own_data_on_its_first_step(
    cast: Cast, client: Client
) -> None:
    draft = begun(cast, Kind.REREGISTRATION)
    page = page_of(client, draft, "channel")
    note = page.select_one(".note-list")
    assert note is not None
    links = [str(link["href"]) for link in note.select("a")]
    assert links == [
        f"/applications/{draft.pk}/steps/personal/?check=1#main",
        f"/applications/{draft.pk}/steps/personal/?check=1#photo",
    ]
    sent = {**posted(Section.PERSONAL, PERSONAL), "go": "next"}
    answer = client.post(f"/applications/{draft.pk}/steps/personal/", sent)
    assert answer["Location"] == f"/applications/{draft.pk}/steps/channel/"


def test_a_registration_without_agency_asks_for_one_at_once(cast: Cast, client: Client) -> None:
    registered(cast, Kind.CHANGE)
    Registration.objects.update(agency=None)
    answer = client.post("/applications/new/change/", follow=True)
    draft = Application.objects.get()
    assert answer.redirect_chain == [(f"/applications/{draft.pk}/steps/channel/", 302)]
    chosen = client.post(f"/applications/{draft.pk}/steps/channel/", {"agency": "beijing"})
    assert chosen["Location"] == f"/applications/{draft.pk}/steps/personal/"


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        (Kind.CHANGE, "steps/education/"),
        (Kind.INITIAL, "steps/registration/"),
        (Kind.INITIAL, "rows/education/0000/"),
    ],
)
def test_a_page_of_another_kind_leads_back_with_a_word(
    cast: Cast, client: Client, kind: Kind, path: str
) -> None:
    draft = begun(cast, kind)
    answer = client.get(f"/applications/{draft.pk}/{path}", follow=True)
    assert answer.redirect_chain == [(f"/applications/{draft.pk}/steps/{draft.step}/", 302)]
    assert "没有您打开的这一页" in words(answer.content)


def test_a_later_step_may_be_filled_in_first(cast: Cast, client: Client) -> None:
    draft = begun(cast, Kind.INITIAL)
    sent = {**posted(Section.EMPLOYER, EMPLOYER), "go": "next"}
    assert client.post(f"/applications/{draft.pk}/steps/employer/", sent).status_code == 302
    lodged = client.post(
        f"/applications/{draft.pk}/steps/preview/",
        {**posted(Section.DECLARATION, DECLARATION), "go": "lodge"},
        follow=True,
    )
    assert "申请尚未填写完整，请按提示补充后再上报。" in words(lodged.content)
    draft.refresh_from_db()
    assert draft.sections["declaration"]["delivery"] == "1"


@pytest.mark.parametrize("path", ["steps/employer/", "steps/experience/", "rows/experience/{row}/", "check/"])
def test_after_lodging_the_back_button_finds_no_form(cast: Cast, client: Client, path: str) -> None:
    with cast.at_applicants_desk(cast.zhang):
        draft = filled(cast.zhang, cast.beijing)
        filing.lodge(application=draft)
    where = path.format(row=draft.sections["experience"][0]["id"])
    for answer in (
        client.get(f"/applications/{draft.pk}/{where}", follow=True),
        client.post(f"/applications/{draft.pk}/{where}", {"go": "next"}, follow=True),
    ):
        if answer.status_code != 405:
            assert answer.redirect_chain == [(f"/applications/{draft.pk}/", 302)]
            assert "这份申请已经上报。" in words(answer.content)


def test_a_draft_given_up_in_another_window_says_so(cast: Cast, client: Client) -> None:
    draft = begun(cast, Kind.INITIAL)
    with cast.at_applicants_desk(cast.zhang):
        filing.discard(application=draft)
    for path in ("steps/employer/", "rows/experience/0000/", "check/"):
        answer = client.get(f"/applications/{draft.pk}/{path}")
        assert (answer.status_code, "这份申请已经放弃" in words(answer.content)) == (409, True)
    sent = {**posted(Section.EMPLOYER, EMPLOYER), "go": "next"}
    assert client.post(f"/applications/{draft.pk}/steps/employer/", sent).status_code == 409
    draft.refresh_from_db()
    assert draft.sections == {}


def test_two_windows_lose_nothing_of_each_other(cast: Cast) -> None:
    """Both windows read the draft before either of them saved."""
    with cast.at_applicants_desk(cast.zhang):
        one = filing.start(person=cast.zhang, kind=Kind.INITIAL)
        other = filing.application_of(cast.zhang, one.pk)
        assert other is not None
        filing.save_step(application=one, section=Section.EMPLOYER, data={"name": "甲"})
        filing.save_step(application=other, section=Section.PERSONAL, data={"school": "乙"})
        add_row(application=one, section=Section.EXPERIENCE, row=EXPERIENCE)
        add_row(application=other, section=Section.EXPERIENCE, row={**EXPERIENCE, "to": "2015-01"})
        kept = filing.application_of(cast.zhang, one.pk)
    assert kept is not None
    assert kept.sections["employer"] == {"name": "甲"}
    assert kept.sections["personal"]["school"] == "乙"
    assert len(kept.sections["experience"]) == 2


# --- Lists ---------------------------------------------------------------------------------------------


def test_gaps_are_shown_and_overlaps_are_asked_about(cast: Cast, client: Client) -> None:
    draft = begun(cast, Kind.INITIAL)
    rows = [("2010-01", "2011-06"), ("2011-09", "2013-02"), ("2012-12", "2013-05"), ("2013-07", "")]
    with cast.at_applicants_desk(cast.zhang):
        for since, until in rows:
            add_row(
                application=draft, section=Section.EXPERIENCE, row={**EXPERIENCE, "from": since, "to": until}
            )
        filing.save_step(application=draft, section=Section.EMPLOYER, data={"name": "另一家公司"})
    page = page_of(client, draft, "experience")
    assert [note.get_text(strip=True) for note in page.select("#rows .note")] == [
        "2011年9月—2013年2月与2012年12月—2013年5月的时间重叠，请确认无误。",
        "2011年7月至2011年8月没有填写经历。",
        "2013年6月没有填写经历。",
        "最近一段工作经历的单位与聘用单位不一致，请确认。",
    ]


def test_a_fault_in_a_row_stands_in_the_list_and_leads_to_its_field(cast: Cast, client: Client) -> None:
    with cast.at_applicants_desk(cast.zhang):
        draft = filled(cast.zhang, cast.beijing)
        row = draft.sections["experience"][0]
        filing.change_row(
            application=draft, section=Section.EXPERIENCE, row_id=row["id"], row={**EXPERIENCE, "work": "99"}
        )
    page = page_of(client, draft, "experience")
    fault = page.select_one(".row-fault")
    assert fault is not None
    assert "从事何种安全生产业务：请从列表中选择。" in fault.get_text()
    check = BeautifulSoup(client.get(f"/applications/{draft.pk}/check/").content, "html.parser")
    link = check.select_one("#check-experience .dry-fault a")
    assert link is not None
    there = client.get(str(link["href"]).partition("#")[0])
    assert "请从列表中选择。" in words(there.content)
    assert str(link["href"]).partition("#")[2] == "id_experience-work"


def test_a_row_that_is_added_beside_a_wrong_field_is_added_once(cast: Cast, client: Client) -> None:
    draft = begun(cast, Kind.RENEWAL)
    day = (clock.today() - timedelta(days=9)).isoformat()
    course = {"since": day, "until": day, "provider": "示例培训中心", "hours": "24", "certificate": "P1"}
    sent = {**posted(Section.EDUCATION, course), "performance-text": "", "go": "next"}
    path = f"/applications/{draft.pk}/steps/education/"
    answer = client.post(path, sent)
    page = BeautifulSoup(answer.content, "html.parser")
    assert (answer.status_code, page.select_one("[name=education-certificate]")) != (200, None)
    blank = page.select_one("[name=education-certificate]")
    assert blank is not None
    assert not blank.get("value")
    draft.refresh_from_db()
    assert len(draft.sections["education"]) == 1


def test_adding_a_row_does_not_scold_for_the_rest_of_the_page(cast: Cast, client: Client) -> None:
    draft = begun(cast, Kind.RENEWAL)
    answer = client.post(f"/applications/{draft.pk}/steps/education/", {"go": "add", "performance-text": ""})
    page = BeautifulSoup(answer.content, "html.parser")
    assert page.find(id="id_education-provider_error") is not None
    assert page.find(id="id_performance-text_error") is None


# --- Continuing education ------------------------------------------------------------------------------


def entered_by_agency(
    cast: Cast, number: str, hours: str, *, days_ago: int = 20, **more: Any
) -> TrainingHours:
    day = clock.today() - timedelta(days=days_ago)
    return TrainingHours.objects.create(
        person=cast.zhang,
        agency=cast.beijing,
        institution="示例培训中心",
        begun_on=day,
        ended_on=day,
        hours=hours,
        certificate_number=number,
        **more,
    )


def own_course(number: str, hours: str, **more: Any) -> dict[str, Any]:
    day = (clock.today() - timedelta(days=10)).isoformat()
    course = {"from": day, "to": day, "provider": "示例学院", "course": "", "course_class": ""}
    return {**course, "hours": hours, "certificate": number, **more}


def hours_missing(cast: Cast, draft: Application) -> list[str]:
    with cast.at_applicants_desk(cast.zhang):
        found = filing.application_of(cast.zhang, draft.pk)
        assert found is not None
        misses = completeness.check(found, circumstances.of(found)).misses
        return [str(miss.message) for miss in misses if miss.section == Section.EDUCATION]


def test_hours_an_agency_entered_count_and_the_same_certificate_counts_once(
    cast: Cast, client: Client
) -> None:
    entered_by_agency(cast, "TR-001", "24")
    entered_by_agency(cast, "TR-OLD", "40", days_ago=4 * 365)
    draft = begun(cast, Kind.RENEWAL)
    with cast.at_applicants_desk(cast.zhang):
        for number, hours in (("tr 001", "24"), ("P-2", "12.5")):
            add_row(application=draft, section=Section.EDUCATION, row=own_course(number, hours))
    assert hours_missing(cast, draft) == ["继续教育已有 36.5 学时，还差 11.5 学时。"]
    page = page_of(client, draft, "education")
    text = words(str(page).encode())
    assert "已计 36.5 学时，要求 48 学时，还差 11.5 学时。" in text
    assert "其中注册机构已经登记 24 学时，不需要重复填写。" in text
    assert ("在本注册周期以前，不计入" in text, "不重复计算" in text) == (True, True)
    bar = page.select_one("progress")
    assert bar is not None
    assert (bar["value"], bar["max"]) == ("36.5", "48")
    rows = page.select(".rows-table tbody tr")
    assert [bool(row.select("a")) for row in rows] == [False, False, True, True]
    with cast.at_applicants_desk(cast.zhang):
        found = filing.application_of(cast.zhang, draft.pk)
        assert found is not None
        content = dossier.content_of(found, circumstances.of(found))
    assert [(row["certificate"], row["imported"]) for row in content["education"]] == [
        ("TR-001", "1"),
        ("P-2", ""),
    ]


def test_enough_hours_from_the_agency_alone_are_enough(cast: Cast, client: Client) -> None:
    entered_by_agency(cast, "TR-001", "48")
    draft = begun(cast, Kind.RENEWAL)
    assert hours_missing(cast, draft) == []
    assert "达到要求的 48 学时" in words(client.get(f"/applications/{draft.pk}/steps/education/").content)


def test_the_professional_share_is_asked_for_where_the_policy_says_so(cast: Cast, client: Client) -> None:
    policy_says(ce_professional_share=0.5)
    entered_by_agency(cast, "TR-001", "20", course_class="2")
    entered_by_agency(cast, "TR-002", "30", course_class="1")
    draft = begun(cast, Kind.RENEWAL)
    assert hours_missing(cast, draft) == ["专业课程应不少于 24 学时，还差 4 学时。"]
    page = page_of(client, draft, "education")
    assert fields_of(page)["education-course_class"] is True


def test_a_change_within_the_period_does_not_shorten_it(cast: Cast) -> None:
    """Hours of the time before the change count: a change carries the period on."""
    first = registered(cast, Kind.RENEWAL)
    assert first is not None
    changed = clock.today() - timedelta(days=100)
    factories.registration(
        cast.zhang,
        cast.beijing,
        kind=Kind.CHANGE,
        number=first.number,
        supersedes=first,
        valid_from=changed,
        valid_to=first.valid_to,
        granted_on=changed,
    )
    before = (clock.today() - timedelta(days=300)).isoformat()
    with cast.at_applicants_desk(cast.zhang):
        draft = filing.start(person=cast.zhang, kind=Kind.RENEWAL)
        row = own_course("P-1", "48", **{"from": before, "to": before})
        add_row(application=draft, section=Section.EDUCATION, row=row)
    assert hours_missing(cast, draft) == []


# --- The category ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("issued", "exam", "chosen", "asked"),
    [
        (date(2018, 1, 5), "B1", "A4", False),  # from before 2019: no category to compare with
        (date(2024, 1, 5), "B1", "A1", False),  # old and new name of the same
        (date(2024, 1, 5), "B4", "A5", False),  # "other" was split
        (date(2024, 1, 5), "", "A4", False),
        (date(2024, 1, 5), "B1", "A4", True),
    ],
)
def test_another_category_than_the_exams_asks_for_its_certificate(
    cast: Cast, client: Client, issued: date, exam: str, chosen: str, asked: bool
) -> None:
    held = cast.qualifications["zhang"]
    held.issued_on, held.category = issued, exam
    held.save(update_fields=["issued_on", "category"])
    draft = begun(cast, Kind.INITIAL)
    sent = posted(Section.PERSONAL, PERSONAL) | {"registration-category": chosen, "go": "next"}
    base = f"/applications/{draft.pk}"
    with cast.at_applicants_desk(cast.zhang):
        filing.choose_agency(application=draft, agency=cast.beijing)
    answer = client.post(f"{base}/steps/personal/", sent, follow=True)
    assert ("不一致，须随材料提交" in words(answer.content)) is asked
    papers = words(client.get(f"{base}/check/").content)
    assert (codes.label("paper", "M11") in papers) is asked


# --- 上报前自查 -------------------------------------------------------------------------------------------


def verdicts(client: Client, draft: Application) -> dict[str, str]:
    page = BeautifulSoup(client.get(f"/applications/{draft.pk}/check/").content, "html.parser")
    return {
        str(item["id"]).removeprefix("check-"): str(item["class"][1]).removeprefix("dry-")
        for item in page.select(".dry-run > li")
    }


def test_the_check_goes_through_the_reviewers_list(cast: Cast, client: Client) -> None:
    draft = begun(cast, Kind.INITIAL)
    assert verdicts(client, draft) == {
        "eligible": "ok",
        "channel": "miss",
        "personal": "miss",
        "photo": "miss",
        "qualification": "ok",
        "registration": "miss",
        "employer": "miss",
        "experience": "miss",
        "papers": "later",
        "declaration": "miss",
    }


def test_a_clean_check_lodges(cast: Cast, client: Client) -> None:
    with cast.at_applicants_desk(cast.zhang):
        draft = filled(cast.zhang, cast.beijing)
        soon = (clock.today() + timedelta(days=9)).isoformat()
        filing.save_step(application=draft, section=Section.EMPLOYER, data={"contract_to": soon})
    assert set(verdicts(client, draft).values()) == {"ok", "later", "doubt"}
    assert verdicts(client, draft)["employer"] == "doubt"
    assert "没有缺漏，可以上报；另有 1 处提醒，请确认。" in words(
        client.get(f"/applications/{draft.pk}/check/").content
    )
    preview = words(client.get(f"/applications/{draft.pk}/steps/preview/").content)
    assert "自查结果：填写完整，另有 1 处提醒，请确认。" in preview
    with cast.at_applicants_desk(cast.zhang):
        assert filing.lodge(application=draft).again is False


def test_each_miss_leads_to_its_field(cast: Cast, client: Client) -> None:
    with cast.at_applicants_desk(cast.zhang):
        draft = filled(cast.zhang, cast.beijing)
        filing.save_step(application=draft, section=Section.EMPLOYER, data={"city": "", "code": "9111"})
    page = BeautifulSoup(client.get(f"/applications/{draft.pk}/check/").content, "html.parser")
    links = [str(link["href"]) for link in page.select(".dry-fault a")]
    base = f"/applications/{draft.pk}/steps/employer/?check=1"
    assert links == [f"{base}#id_employer-code", f"{base}#id_employer-city"]
    there = BeautifulSoup(client.get(links[0].partition("#")[0]).content, "html.parser")
    assert there.find(id="id_employer-code_error") is not None


def test_the_check_also_asks_whether_the_person_may_still_apply(cast: Cast, client: Client) -> None:
    with cast.at_applicants_desk(cast.zhang):
        draft = filled(cast.zhang, cast.beijing)
    factories.restriction(cast.zhang, until=clock.today() + timedelta(days=300))
    assert verdicts(client, draft)["eligible"] == "miss"


@pytest.mark.parametrize("kind", list(Kind))
def test_every_step_leads_to_the_check(cast: Cast, client: Client, kind: Kind) -> None:
    draft = begun(cast, kind)
    check = f"/applications/{draft.pk}/check/"
    for slug, _label, _button in WAYS[kind, False]:
        assert check in client.get(f"/applications/{draft.pk}/steps/{slug}/").content.decode(), slug
    assert check in client.get("/home/").content.decode()
    assert client.get(check).status_code == 200


def test_the_photo_is_asked_for_only_where_there_is_none(cast: Cast) -> None:
    registered(cast, Kind.CHANGE)
    with cast.at_applicants_desk(cast.zhang):
        bare = filing.start(person=cast.zhang, kind=Kind.CHANGE)
        found = completeness.check(bare, circumstances.of(bare)).misses
        assert ("personal", "photo") in {(str(miss.section), miss.field) for miss in found}
        attach_photo(application=bare, upload=portrait())
        found = completeness.check(bare, circumstances.of(bare)).misses
    assert ("personal", "photo") not in {(str(miss.section), miss.field) for miss in found}
