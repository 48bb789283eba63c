"""The manual, chapter 1: the start page, the first password, signing in, the forgotten password."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.journeys.desk import AGENCIES, PASSWORD, Desk
from tests.manual import manual

pytestmark = pytest.mark.journey


@manual("0-1", "0-2", "1-1", "图1", "词-温馨提示", "词-登录", "词-注册申请登陆")
def test_the_start_page_tells_the_way_and_every_page_begins_there(desk: Desk) -> None:
    visitor = desk.newcomer()
    visitor.open("/home/")
    visitor.sees_heading("温馨提示")
    expect(visitor.page.get_by_role("link", name="注册申请登陆", exact=True)).to_be_visible()
    expect(visitor.page.get_by_role("button", name="登录", exact=True)).to_be_visible()
    visitor.sees("取得资格证书后 3 年内应完成初始注册")
    expect(visitor.part("办理流程")).to_contain_text("设置密码，登录系统")
    visitor.follow("初始注册", within="办事指南")
    visitor.sees("取得资格证书之日起 3 年内")


@manual("1.1", "1.1-1", "1.1-2", "图2", "图3", "词-设置密码")
def test_the_first_time_one_proves_who_one_is_and_sets_the_password(desk: Desk) -> None:
    zhang = desk.newcomer("valid")
    zhang.open("/")
    zhang.follow("设置密码")
    zhang.sees_heading("身份验证")
    zhang.verify_identity()
    zhang.sees_heading("密码设置")
    zhang.set_password()
    zhang.sees(f"{zhang.person.name}，您好")


@manual("1.2", "1.2-1")
def test_signing_in_by_document_password_and_captcha(desk: Desk) -> None:
    zhang = desk.newcomer(account=True)
    zhang.open("/")
    zhang.follow("注册申请登陆")
    zhang.sign_in("Not-the-password-1")
    zhang.sees("证件号码或密码不正确")
    zhang.sign_in()
    zhang.sees(f"{zhang.person.name}，您好")


@manual("1.1-3", "1.1-4", "图4", "词-忘了密码?")
def test_who_left_an_email_gets_a_link_for_a_new_password(desk: Desk) -> None:
    address = "zhang@example.cn"
    zhang = desk.newcomer(account=True, email=address)
    zhang.open("/")
    zhang.follow("忘了密码?")
    zhang.sees_heading("密码找回")
    zhang.ask_for_letter()
    zhang.sees("重置链接已发送到该邮箱")
    zhang.open(desk.link_mailed_to(address))
    zhang.set_password("Another-password-2", button="保存新密码")
    zhang.sign_in()
    zhang.sees("证件号码或密码不正确")
    zhang.sign_in("Another-password-2")
    zhang.sees(f"{zhang.person.name}，您好")


@manual("1.1-5")
def test_who_left_no_email_finds_the_agency_to_call(desk: Desk) -> None:
    zhang = desk.newcomer("valid", account=True)
    zhang.open("/")
    zhang.follow("忘了密码?")
    zhang.fill(q="北京")
    zhang.press("查找")
    zhang.sees(AGENCIES["beijing"])
    zhang.sees("010-0000-0001")


def test_a_page_asked_for_before_signing_in_stands_there_afterwards(desk: Desk) -> None:
    zhang = desk.newcomer(account=True)
    zhang.open("/history/")
    zhang.sign_in(PASSWORD)
    zhang.sees_heading("历史记录")
