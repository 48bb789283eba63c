"""Every page of the applicant's desk, looked at with axe: no serious fault, in no look.

Each tour names the pages it comes by; together they are all pages of the applicant's host, so that a new
page without a place in a tour is noticed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from django.conf import settings
from django.urls import Resolver404, resolve
from playwright.sync_api import expect

from deploy import play
from tests.journeys.desk import AGENCIES, PHONE, Desk, Window
from tests.portal.test_every_view_is_guarded import views

pytestmark = pytest.mark.journey
URLCONF: Final = settings.URLCONF_OF_DESK["applicant"]
GRAVE: Final = frozenset({"serious", "critical"})
# What of a page depends on how large and in which colours it is shown; the rest the tours have found.
OF_THE_LOOK: Final = ("color-contrast", "link-in-text-block", "scrollable-region-focusable", "target-size")
RUN_AXE: Final = """async only => (await axe.run(
        {preload: false, resultTypes: ["violations"], ...(only.length ? {runOnly: only} : {})})).violations
    .flatMap(({impact, id, nodes}) => nodes.map(
        ({target, failureSummary}) => [impact, id, target.join(" "), failureSummary]))"""
# Addresses that answer with a file, with data, or lead on at once.
NO_PAGES: Final = frozenset(
    {"signout", "set_language", "appearance", "session", "health-live", "health-ready"}
    | {"captcha-image", "captcha-image-2x", "captcha-audio", "captcha-refresh", "captcha-voice"}
    | {"photo", "form_pdf", "form_word", "letter_pdf", "copy", "account_data", "account_verification"}
    | {"paper", "paper_page", "paper_thumbnail", "paper_removal", "paper_return"}
    | {"notice_board", "notices_read", "notice_read", "certificate", "ending_decision"}
    | {"dates_calendar", "phone_code", "session-end", "other-sessions"}
)

Route = Callable[[Desk], Iterator[Window]]


@dataclass(frozen=True, slots=True)
class Tour:
    """A way past some pages: it stops wherever somebody looks around."""

    pages: frozenset[str]
    route: Route


TOURS: dict[str, Tour] = {}


def tour(*pages: str) -> Callable[[Route], Route]:
    """This route comes by these pages, by the names of their addresses."""

    def enlist(route: Route) -> Route:
        TOURS[route.__name__] = Tour(frozenset(pages), route)
        return route

    return enlist


# --- The tours -------------------------------------------------------------------------------------


def stops(who: Window, *paths: str) -> Iterator[Window]:
    for path in paths:
        who.open(path)
        yield who


@tour("signin", "password_set", "initial_verify", "guide", "agencies", "privacy")
def public_pages(desk: Desk) -> Iterator[Window]:
    visitor = desk.newcomer()
    yield from stops(visitor, "/", "/password/set/", "/initial/verify/", "/agencies/", "/privacy/")
    yield from stops(
        visitor, *(f"/guides/{kind}/" for kind in ("initial", "change", "renewal", "reregister"))
    )
    visitor.open("/nowhere/")
    yield visitor


@tour("announcements", "announcement", "lookup", "appeal", "appeal_receipt", "appeal_status")
def questions_without_an_account(desk: Desk) -> Iterator[Window]:
    wang = desk.newcomer("valid")
    batch = desk.stage.announced(wang.person)
    yield from stops(wang, "/announcements/", f"/announcements/{batch}/", "/registrations/")
    wang.fill(name=wang.person.name, number=wang.person.registration)
    wang.answer_captcha()
    wang.press("查询")
    wang.sees(AGENCIES["beijing"])
    yield wang
    yield from stops(wang, "/appeals/status/", "/appeals/")
    wang.appeal()
    wang.sees("申诉已提交")
    yield wang


@tour("verify", "home", "history")
def a_certificate_in_hand(desk: Desk) -> Iterator[Window]:
    """Its code typed in, at its address, one that nobody has, and where its holder finds it."""
    holder = desk.applicant(photo=True)
    code = desk.stage.certified(desk.stage.lodged(holder.person, at="final_passed"))
    visitor = desk.newcomer()
    yield from stops(visitor, "/verify/", f"/verify/{code}/", f"/verify/{code[::-1]}/")
    yield from stops(holder, "/home/", "/history/")


@tour("signin", "password_new")
def coming_in(desk: Desk) -> Iterator[Window]:
    zhang = desk.newcomer()
    zhang.open("/")
    zhang.press("登录")
    yield zhang
    zhang.open("/initial/verify/")
    zhang.verify_exam()
    yield zhang
    zhang.fill(password="short", again="shorter")
    zhang.press("设置密码")
    yield zhang


@tour("password_forgotten", "password_sent", "password_link", "password_renew", "account", "email_confirm")
def letters(desk: Desk) -> Iterator[Window]:
    zhang = desk.newcomer(account=True, email="axe@example.cn")
    yield from stops(zhang, "/password/forgotten/")
    zhang.ask_for_letter()
    yield zhang
    yield from stops(zhang, desk.link_mailed_to("axe@example.cn"))
    yield from stops(zhang, f"/password/link/{zhang.person.id}/stale/")
    li = desk.applicant(email="other@example.cn", verified=False)
    yield from stops(li, "/account/")
    li.press("发送验证邮件")
    yield from stops(li, desk.link_mailed_to("other@example.cn"))


@tour("counter_code", "counter_password")
def without_an_address(desk: Desk) -> Iterator[Window]:
    zhang = desk.newcomer(account=True)
    yield from stops(zhang, "/password/counter/")
    zhang.come_with_code(desk.stage.counter_code(zhang.person))
    yield zhang


@tour("account", "notice_settings", "phone_check", "sessions", "dates", "password_change")
def the_own_data(desk: Desk) -> Iterator[Window]:
    zhang = desk.applicant(email="zhang@example.cn")
    yield from stops(zhang, "/account/", "/account/notices/", "/account/phone/", "/account/sessions/")
    yield from stops(zhang, "/dates/", "/account/password/")
    zhang.press("修改密码")
    yield zhang


@tour("home", "application_new", "step", "row", "discard", "check", "receipt", "history", "notices")
def the_initial_registration(desk: Desk) -> Iterator[Window]:
    zhang = desk.applicant(photo=True)
    yield from stops(zhang, "/home/", "/history/", "/notices/", "/applications/new/initial/")
    zhang.press("开始初始注册")
    yield zhang
    yield from stops(zhang, f"{urlsplit(zhang.page.url).path}?helper=1")
    zhang.page.go_back()
    zhang.choose_agency("beijing")
    zhang.press("下一步")
    yield zhang
    zhang.press("下一步")
    yield zhang
    zhang.fill(play.PERSONAL | play.CATEGORY)
    zhang.press("下一步")
    yield zhang
    zhang.fill(play.EMPLOYER)
    zhang.press("下一步")
    yield zhang
    zhang.add_work()
    yield zhang
    zhang.follow_row(0)
    yield zhang
    zhang.press("删除这一行")
    yield zhang
    zhang.follow("取消")
    zhang.follow("返回列表")
    zhang.press("预览")
    yield zhang
    application = zhang.page.url.split("/applications/")[1].split("/")[0]
    yield from stops(
        zhang, *(f"/applications/{application}/{page}/" for page in ("check", "discard")), "/home/"
    )
    zhang.open(f"/applications/{application}/steps/preview/")
    zhang.declare()
    zhang.lodge()
    yield zhang


@tour("application", "form", "withdrawal", "home", "history", "notices")
def after_lodging(desk: Desk) -> Iterator[Window]:
    zhang = desk.applicant(photo=True)
    at = f"/applications/{desk.stage.lodged(zhang.person, at='accepted').application}"
    yield from stops(zhang, "/home/", f"{at}/", f"{at}/form/", f"{at}/withdrawal/", "/history/", "/notices/")


@tour("correction", "step", "home", "application")
def a_correction(desk: Desk) -> Iterator[Window]:
    zhang = desk.applicant(photo=True)
    lodged = desk.stage.lodged(zhang.person, at="correction")
    at = f"/applications/{lodged.application}"
    yield from stops(zhang, "/home/", f"{at}/", f"{at}/correction/", f"{at}/steps/employer/")


@tour("application", "home", "history")
def after_the_end(desk: Desk) -> Iterator[Window]:
    zhang = desk.applicant(photo=True)
    at = f"/applications/{desk.stage.lodged(zhang.person, at='withdrawn').application}"
    yield from stops(zhang, f"{at}/")
    desk.stage.lodged(zhang.person, at="final_passed")
    yield from stops(zhang, "/home/", "/history/")


@tour("papers", "step")
def papers_to_upload(desk: Desk) -> Iterator[Window]:
    zhang = desk.applicant(photo=True)
    at = f"/applications/{desk.stage.draft(zhang.person, agency='mohurd').application}"
    yield from stops(zhang, f"{at}/papers/")
    zhang.upload("M02")
    yield zhang
    yield from stops(zhang, f"{at}/steps/preview/")


@tour("step", "application_new")
def the_other_kinds(desk: Desk) -> Iterator[Window]:
    for kind, situation, steps in (
        ("change", "valid", ("personal", "registration", "channel", "experience", "preview")),
        ("renewal", "expiring", ("personal", "employer", "education", "preview")),
        ("reregister", "expired", ("channel", "personal", "employer", "preview")),
    ):
        who = desk.applicant(situation)
        yield from stops(who, f"/applications/new/{kind}/")
        begun = desk.stage.draft(who.person, kind=kind)
        yield from stops(who, *(f"/applications/{begun.application}/steps/{step}/" for step in steps))


# --- What is asked of every page -------------------------------------------------------------------


def faults(window: Window, *, only: tuple[str, ...] = ()) -> list[str]:
    """What axe finds grave on this page, by `only` these rules or by all."""
    window.page.wait_for_load_state()
    window.page.evaluate(AXE_SCRIPT)
    found: list[list[str]] = window.page.evaluate(RUN_AXE, list(only))
    path = urlsplit(window.page.url).path
    return [" | ".join([path, *map(str, fault)]) for fault in found if fault[0] in GRAVE]


def name_of(window: Window) -> str:
    """The name of the page's address; nothing for pages that are not there."""
    try:
        return resolve(urlsplit(window.page.url).path, URLCONF).url_name or ""
    except Resolver404:
        return ""


@pytest.mark.parametrize("tour", TOURS.values(), ids=TOURS.keys())
def test_axe_finds_nothing_grave(desk: Desk, tour: Tour) -> None:
    found, seen = list[str](), set[str]()
    for window in tour.route(desk):
        found += faults(window)
        seen.add(name_of(window))
    assert found == []
    assert seen - {""} == set(tour.pages)


@pytest.mark.parametrize(
    "look",
    [{"size": "larger"}, {"contrast": "high"}, {"size": "larger", "contrast": "high"}],
    ids=["larger", "contrast", "both"],
)
def test_larger_type_and_high_contrast_are_as_good(desk: Desk, look: dict[str, str]) -> None:
    zhang = desk.applicant(photo=True)
    cookies: list[Any] = [{"name": key, "value": value, "url": zhang.root} for key, value in look.items()]
    zhang.context.add_cookies(cookies)
    at = f"/applications/{desk.stage.draft(zhang.person).application}/steps"
    found = list[str]()
    for window in stops(
        zhang, "/home/", f"{at}/channel/", f"{at}/employer/", f"{at}/preview/", "/guides/initial/"
    ):
        found += faults(window, only=OF_THE_LOOK)
        window.fits()
    assert found == []


# --- The staff -------------------------------------------------------------------------------------


def a_reviewer(desk: Desk) -> Iterator[Window]:
    """The queue and its views, a case before and after acceptance and after a correction, the acts on it."""
    who = desk.stage.someone(account=True)
    answered = desk.stage.lodged(who, at="correction")
    desk.stage.answered(who, answered, changes={"employer": {"address": "示例路2号"}}, words=[""])
    held = desk.stage.lodged(desk.stage.someone(account=True))
    checked = desk.stage.lodged(desk.stage.someone(account=True), at="accepted")
    li = desk.officer("li.beijing")
    li.page.locator(".keep-view summary").click()
    li.fill(name="示例视图")
    li.press("保存")
    li.says("已保存")
    yield li
    at = f"/cases/{held.application}/"
    li.open(at)
    li.press("领取")
    li.says("已领取")
    yield li
    acts = ("correction", "non-acceptance", "acceptance", "paper-slips", "archive")
    yield from stops(li, *(f"{at}{act}/" for act in acts))
    yield from stops(li, f"/cases/{checked.application}/", f"/cases/{checked.application}/opinion/")
    yield from stops(li, f"/cases/{answered.application}/")
    yield from stops(li, "/views/", "/notices/", "/files/", "/training/", "/counter-codes/", "/leave/")


def a_supervisor(desk: Desk) -> Iterator[Window]:
    """The acts of a second person, a dispatch, a hand-over and what stays of the case."""
    checked = desk.stage.lodged(desk.stage.someone(account=True), at="accepted")
    desk.stage.lodged(desk.stage.someone(account=True), at="reported")
    wang = desk.officer("wang.beijing")
    yield from stops(wang, "/numbers/", "/dispatch-batches/")
    wang.page.locator("tbody th a").first.click()
    wang.sees("名单是报送时的内容")
    yield wang
    at = f"/cases/{checked.application}/"
    yield from stops(wang, at, f"{at}assignment/", f"{at}extension/", f"{at}termination/", f"{at}handover/")
    wang.fill(q="住建")
    wang.press("查找")
    wang.page.locator("[name=agency][value=mohurd]").check(force=True)
    yield wang
    wang.fill(text="示例：由其他机构初审")
    wang.press("确定转交")
    wang.sees("本机构只保留转交时的记录")
    yield wang


def a_manager(desk: Desk) -> Iterator[Window]:
    """The people and the settings, and how somebody new comes in."""
    chen = desk.officer("chen.beijing")
    yield from stops(chen, "/people/", "/people/import/", "/settings/", "/people/new/")
    chen.fill(name="安初审", username="an.beijing")
    chen.page.locator("[name=roles][value=reviewer]").check()
    chen.press("发送邀请")
    path = urlsplit(chen.page.locator("#invitation-link").inner_text()).path
    yield chen
    chen.follow("查看该人员")
    chen.sees_heading("登录与账号")
    yield chen
    an = desk.at_desk("beijing")
    yield from stops(an, path)
    an.fill(password=play.PASSWORD, again=play.PASSWORD)
    an.press("设置密码")
    an.sees_heading("设置身份验证器")
    yield an
    an.fill(code=desk.stage.code("an.beijing", new=True))
    an.press("确认")
    an.sees_heading("保存恢复码")
    yield an
    yield from stops(an, "/account/", "/account/authenticator/", "/account/password/")


def the_authority(desk: Desk) -> Iterator[Window]:
    """The docket, a case in final review, the calendar and the authority's own people."""
    reported = desk.stage.lodged(desk.stage.someone(account=True), at="reported")
    at = f"/cases/{reported.application}/"
    yield from stops(desk.officer("zhao.authority"), "/cases/", at, f"{at}approval/", "/oversight/")
    feng = desk.officer("feng.authority")
    yield from stops(feng, "/holidays/", "/holidays/day/", "/holidays/announcement/", "/people/")
    yield from stops(feng, "/agencies/", "/agencies/beijing/", "/agencies/beijing/merger/", "/policies/")


def the_registrar(desk: Desk) -> Iterator[Window]:
    """The national books: a person and an act, batches, rosters, appeals; and what the auditor reads."""
    desk.stage.lodged(desk.stage.someone(account=True), at="final_passed")
    held = desk.stage.someone("valid")
    zhou = desk.officer("zhou.authority")
    yield from stops(zhou, "/registrants/", f"/registrants/{held.id}/", f"/registrants/{held.id}/name/")
    yield from stops(zhou, "/batches/", "/batches/new/", "/rosters/", "/rosters/export/", "/appeals/")
    yield from stops(desk.officer("wei.authority"), "/audit/", "/audit/roles/", "/audit/verification/")


@pytest.mark.parametrize("route", [a_reviewer, a_supervisor, a_manager, the_authority, the_registrar])
def test_the_desks_of_the_staff_are_as_good(desk: Desk, route: Route) -> None:
    assert list(chain.from_iterable(faults(window) for window in route(desk))) == []


def test_a_case_is_read_and_handled_on_a_phone(desk: Desk) -> None:
    lodged = desk.stage.lodged(desk.stage.someone(account=True), at="accepted")
    li = desk.officer("li.beijing", size=PHONE)
    li.fits()
    li.fill(search=lodged.reference)
    li.press("筛选")
    li.fits()
    li.follow_case(lodged.reference)
    li.sees_heading("照片")
    li.fits()
    # The bar of acts stays in sight however far one has read, and what it leads to fits as well.
    li.page.get_by_role("heading", name="流转记录").scroll_into_view_if_needed()
    expect(li.page.locator(".action-bar")).to_be_in_viewport(ratio=1)
    li.page.get_by_role("heading", name="照片").scroll_into_view_if_needed()
    expect(li.page.locator(".action-bar")).to_be_in_viewport(ratio=1)
    li.mark()
    li.press("出具初审意见")
    li.fits()
    li.fill(verdict="pass")
    li.press("出具意见")
    li.says("初审意见已出具")
    assert faults(li, only=OF_THE_LOOK) == []


def test_phones_are_as_good(desk: Desk) -> None:
    zhang = desk.applicant(photo=True, size=PHONE)
    at = f"/applications/{desk.stage.draft(zhang.person).application}/steps"
    found = list[str]()
    for window in stops(zhang, "/home/", f"{at}/channel/", f"{at}/experience/", f"{at}/preview/"):
        found += faults(window)
        window.fits()
    assert found == []


def test_every_page_has_its_place_in_a_tour() -> None:
    names = {entry.name for _path, entry in views(URLCONF)}
    placed = set(chain.from_iterable(tour.pages for tour in TOURS.values()))
    assert names - placed - NO_PAGES == set()
    assert (placed | NO_PAGES) - names == set()
