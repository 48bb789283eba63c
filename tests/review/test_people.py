"""The pages of a desk's people: for managers to act, for auditors to read, and closed to everybody else."""

from __future__ import annotations

import re
from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest
from django.core import mail
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from openpyxl.reader.excel import load_workbook
from openpyxl.workbook.workbook import Workbook
from pytest_django import Settings

from notifications import delivery, sending
from register import clock
from register.models import Person
from review import casework, staffing
from review.models import Case
from review.states import State
from tenants import crossing, roles
from tenants.crossing import Desk
from tenants.models import Absence, Agency, CounterCode, RoleGrant, User
from tests import casefiles, factories
from tests.cast import Cast
from tests.review.desks import DeskClient, at_desk, case_now, host_of, words

pytestmark = pytest.mark.django_db

ROLE_BOX = re.compile(r'<input type="checkbox" name="roles" value="(\w+)"')


def lodged(cast: Cast, person: Person, to: State | None = None, by: str = "li", **changes: Any) -> Case:
    """A case at Beijing, perhaps taken up by somebody and walked on."""
    with crossing.standing(Desk.APPLICANT), crossing.acting_as(person.pk), crossing.inside(cast.beijing):
        case = casefiles.lodge(person, cast.beijing, **changes)
    if to is not None:
        with crossing.standing(Desk.AGENCY, cast.beijing):
            if to == State.SUBMITTED:
                casework.take_up(case=case, by=cast.actor(by))
            else:
                casefiles.walk(case, cast.actor(by), to)
    return case


def now(user: User) -> User:
    """The account as it stands."""
    return User.objects.get(pk=user.pk)


def held(user: User, agency: Agency) -> frozenset[str]:
    return roles.roles_of(now(user), agency)


def send(client: DeskClient, path: str, **data: Any) -> str:
    """Post, and read the page one is led to."""
    answer = client.post(path, data, follow=True)
    assert answer.status_code == 200, (path, answer.status_code)
    return words(answer)


# --- Who comes in ----------------------------------------------------------------------------------------

PAGES = (
    "/people/",
    "/people/new/",
    "/people/import/",
    "/people/import/staff.xlsx",
    "/people/{li}/",
    "/people/{li}/particulars/",
    "/people/{li}/password/",
    "/people/{li}/second-factor/",
    "/people/{li}/deactivation/",
    "/people/{li}/leave/",
)
POSTS = (
    *("/people/{li}/roles/", "/people/{li}/invitation/", "/people/{li}/reactivation/"),
    *(page for page in PAGES if page not in ("/people/", "/people/{li}/", "/people/import/staff.xlsx")),
)


def test_a_manager_opens_every_page_an_auditor_reads_two_others_none(cast: Cast) -> None:
    paths = [page.format(li=cast.user("li").pk) for page in PAGES]
    found = {}
    for who in ("chen", "xu", "li", "wang"):
        client = at_desk(cast, who)
        found[who] = [path for path in paths if client.get(path).status_code == 200]
    assert found == {"chen": paths, "xu": [paths[0], paths[4]], "li": [], "wang": []}


def test_an_auditor_and_a_reviewer_change_nothing(cast: Cast) -> None:
    before = list(User.objects.order_by("pk").values()), RoleGrant.objects.count()
    for who in ("xu", "wang"):
        client = at_desk(cast, who)
        for path in POSTS:
            answer = client.post(path.format(li=cast.user("li").pk), {"roles": ["manager"], "name": "改"})
            assert answer.status_code == 404, (who, path)
    after = list(User.objects.order_by("pk").values()), RoleGrant.objects.count()
    ignored = ("last_login",)
    strip = [
        [{k: v for k, v in row.items() if k not in ignored} for row in rows] for rows, _n in (before, after)
    ]
    assert strip[0] == strip[1]
    assert before[1] == after[1]


def test_the_other_agencys_people_are_not_found_by_any_address(cast: Cast) -> None:
    client, he = at_desk(cast, "chen"), cast.user("he")
    for path in (*PAGES[4:], *POSTS):
        if "{li}" not in path:
            continue
        assert client.get(path.format(li=he.pk)).status_code in (404, 405), path
        assert client.post(path.format(li=he.pk), {"roles": ["reviewer"]}).status_code in (404, 405), path
    listed = client.page("/people/")
    assert "李初审" in listed
    assert not any(name in listed for name in ("何初审", "马初审", "赵终审", "冯管理"))


def test_the_authority_has_its_own_people_only(cast: Cast) -> None:
    client = at_desk(cast, "feng")
    listed = client.page("/people/")
    assert all(name in listed for name in ("赵终审", "钱签批", "周登记", "卫审计"))
    assert "李初审" not in listed
    assert client.get(f"/people/{cast.user('li').pk}/").status_code == 404
    assert at_desk(cast, "wei").get("/people/").status_code == 200


def test_the_list_asks_the_same_however_many_there_are(cast: Cast) -> None:
    client, counts = at_desk(cast, "chen"), []
    client.page("/people/")
    for more in (0, 12):
        with crossing.standing(Desk.AGENCY, cast.beijing):
            for number in range(more):
                staffing.invite(
                    agency=cast.beijing,
                    name=f"新{number}",
                    username=f"new{number}",
                    email="",
                    roles=["reviewer"],
                    by=cast.user("chen"),
                )
        with CaptureQueriesContext(connection) as queries:
            client.page("/people/")
        counts.append(len(queries))
    assert counts[0] == counts[1]
    assert counts[0] <= 10


# --- Inviting ------------------------------------------------------------------------------------------


def invite(client: DeskClient, **changes: Any) -> Any:
    given = {"name": "新经办", "username": "Xin.Beijing", "email": "xin@example.cn", "roles": ["reviewer"]}
    return client.post("/people/new/", {**given, **changes})


def test_an_invitation_is_written_not_shown_and_leads_to_a_password(cast: Cast) -> None:
    written = invite(at_desk(cast, "chen")).content.decode()
    assert "xin@example.cn" in written
    assert "/invitations/" not in written
    with crossing.standing(Desk.CLERK):
        delivery.deliver_all()
        sending.send_out("email")
    (letter,) = mail.outbox
    assert (letter.to, letter.subject) == (["xin@example.cn"], "邀请您使用注册管理系统")
    assert "xin.beijing" in letter.body
    shown = re.search(r"http://beijing\.localhost(?::\d+)?(/invitations/\S+)", str(letter.body))
    assert shown is not None
    stranger = DeskClient(HTTP_HOST=host_of("beijing"))
    assert stranger.get(shown[1]).status_code in (200, 302)
    assert "已邀请，未设密码" in at_desk(cast, "chen").page("/people/")


FAULTY_INVITATIONS: list[tuple[dict[str, Any], str]] = [
    ({"roles": []}, "请至少选择一个角色。"),
    ({"roles": ["reviewer", "manager"]}, "同一人不能兼任"),
    ({"roles": ["administrator"]}, "请从列表中选择。"),
    ({"username": "li.beijing"}, "登录名“li.beijing”已被使用"),
    ({"username": "he.mohurd"}, "登录名“he.mohurd”已被使用"),
    ({"username": "李"}, "登录名只能使用小写字母"),
    ({"name": "x"}, "姓名应为 2 至 100 个字符。"),
    ({"email": "xin@example.cn@"}, "电子邮箱"),
]


def test_a_faulty_invitation_says_why_and_keeps_what_was_typed(cast: Cast) -> None:
    client, before = at_desk(cast, "chen"), User.objects.count()
    for changes, said in FAULTY_INVITATIONS:
        answer = invite(client, **changes)
        assert said in words(answer), changes
        assert "xin@example.cn" in answer.content.decode(), changes
    assert User.objects.count() == before


def test_inviting_again_makes_the_earlier_link_void(cast: Cast) -> None:
    client = at_desk(cast, "chen")
    first = re.search(r"/invitations/[^<\s]+", invite(client, email="").content.decode())
    user = User.objects.get(username="xin.beijing")
    second = re.search(
        r"/invitations/[^<\s]+", client.post(f"/people/{user.pk}/invitation/").content.decode()
    )
    assert first is not None
    assert second is not None
    stranger = DeskClient(HTTP_HOST=host_of("beijing"))
    assert stranger.get(first[0]).status_code in (404, 410)
    assert stranger.get(second[0]).status_code in (200, 302)
    assert "不需要邀请" in send(client, f"/people/{cast.user('li').pk}/invitation/")


# --- One person ----------------------------------------------------------------------------------------


def test_roles_are_ticked_with_their_meaning_and_recorded(cast: Cast) -> None:
    client, li = at_desk(cast, "chen"), cast.user("li")
    page = client.get(f"/people/{li.pk}/").content.decode()
    assert ROLE_BOX.findall(page) == ["reviewer", "supervisor", "manager", "auditor"]
    assert re.findall(r'value="(\w+)"[^>]* checked', page) == ["reviewer"]
    assert "不能复核自己出具的意见" in page
    said = send(client, f"/people/{li.pk}/roles/", roles=["reviewer", "supervisor"])
    assert "角色已更改" in said
    assert held(li, cast.beijing) == {"reviewer", "supervisor"}
    assert "陈管理" in client.page(f"/people/{li.pk}/")
    said = send(client, f"/people/{li.pk}/roles/", roles=["reviewer", "auditor"])
    assert "同一人不能兼任" in said
    assert held(li, cast.beijing) == {"reviewer", "supervisor"}


def test_a_manager_has_no_boxes_for_oneself_and_cannot_post_around_it(cast: Cast) -> None:
    client, chen = at_desk(cast, "chen"), cast.user("chen")
    page = client.get(f"/people/{chen.pk}/").content.decode()
    assert ROLE_BOX.findall(page) == []
    assert "不能更改自己的角色" in send(client, f"/people/{chen.pk}/roles/", roles=[])
    assert "不能停用自己的账号" in send(client, f"/people/{chen.pk}/deactivation/")
    assert held(chen, cast.beijing) == {"manager"}


def test_particulars_keep_the_document_as_a_digest_only(cast: Cast) -> None:
    client, li = at_desk(cast, "chen"), cast.user("li")
    number = factories.id_number()
    given = {"name": "李初审", "email": "li@example.cn", "document_type": "01"}
    path = f"/people/{li.pk}/particulars/"
    assert "校验位不符" in send(
        client, path, **given, number=number[:-1] + ("1" if number[-1] != "1" else "2")
    )
    assert "已保存" in send(client, path, **given, number=number, employer_code="91110000MA00000152")
    kept = now(li)
    assert (len(kept.document_digest), kept.employer_code) == (64, "91110000MA00000152")
    assert number not in str(User.objects.filter(pk=li.pk).values().get())
    page = client.get(path).content.decode()
    assert number not in page
    send(client, path, **given, forget_document="on")
    assert now(li).document_digest == ""


def test_the_second_factor_is_reset_after_one_question(cast: Cast) -> None:
    client, li = at_desk(cast, "chen"), cast.user("li")
    path = f"/people/{li.pk}/second-factor/"
    assert "当面或者通过已知的电话" in client.page(path)
    assert "第二因素已重置" in send(client, path)
    assert now(li).second_factor_mark == ""
    assert "重置第二因素" in client.page(f"/people/{li.pk}/")


def test_a_forgotten_password_is_void_and_a_link_leads_back(cast: Cast) -> None:
    client, li = at_desk(cast, "chen"), cast.user("li")
    elsewhere = at_desk(cast, "li")
    said = send(client, f"/people/{li.pk}/password/")
    assert "/invitations/" in said
    assert not now(li).has_usable_password()
    assert elsewhere.get("/cases/").status_code == 302


def test_who_has_an_address_gets_the_link_there_and_the_old_address_is_told(cast: Cast) -> None:
    client, li = at_desk(cast, "chen"), cast.user("li")
    for address in ("old@example.cn", "new@example.cn", "new@example.cn"):
        assert "已保存" in send(client, f"/people/{li.pk}/particulars/", name=li.name, email=address)
    assert "更改电子邮箱（old@example.cn → new@example.cn）" in client.page(f"/people/{li.pk}/")
    assert "/invitations/" not in send(client, f"/people/{li.pk}/password/")
    assert "须由另一位管理员重置" in send(client, f"/people/{li.pk}/second-factor/")
    assert now(li).second_factor_mark
    with crossing.standing(Desk.CLERK):
        delivery.deliver_all()
        sending.send_out("email")
    assert sorted((letter.to, letter.subject) for letter in mail.outbox) == [
        (["new@example.cn"], "邀请您使用注册管理系统"),
        (["old@example.cn"], "您的电子邮箱已更换"),
    ]


def test_a_password_made_void_by_whoever_reset_the_factor_stays(cast: Cast) -> None:
    client, li = at_desk(cast, "chen"), cast.user("li")
    send(client, f"/people/{li.pk}/second-factor/")
    said = send(client, f"/people/{li.pk}/password/")
    assert "须由另一位管理员办理" in said
    assert "/invitations/" not in said
    assert now(li).has_usable_password()


# --- Letting go ----------------------------------------------------------------------------------------


@pytest.fixture
def busy(cast: Cast) -> list[Case]:
    """Three cases in Li's hands: two at work, one with the applicant."""
    people = [cast.zhang, cast.sun, cast.gu]
    to = (State.SUBMITTED, State.ACCEPTED, State.CORRECTION)
    return [lodged(cast, person, state) for person, state in zip(people, to, strict=True)]


def test_who_is_let_go_hands_over_case_by_case(cast: Cast, busy: list[Case]) -> None:
    client, li, liu = at_desk(cast, "chen"), cast.user("li"), cast.user("liu")
    elsewhere = at_desk(cast, "li")
    path = f"/people/{li.pk}/deactivation/"
    page = client.page(path)
    assert "在手案卷 3 份" in page
    assert "刘初审（在手 0 份）" in page
    assert now(li).is_active
    said = send(client, path, to=[liu.pk])
    assert said.count("已改派给刘初审。") == 3
    assert "份案卷在其手中" not in said
    assert [case_now(cast.beijing, case.pk).assignee_id for case in busy] == [liu.pk, liu.pk, liu.pk]
    assert (now(li).is_active, held(li, cast.beijing)) == (False, frozenset())
    assert elsewhere.get("/cases/").status_code == 302
    assert "已停用" in client.page(f"/people/{li.pk}/")


def test_the_movement_names_the_manager(cast: Cast, busy: list[Case]) -> None:
    client = at_desk(cast, "chen")
    send(client, f"/people/{cast.user('li').pk}/deactivation/", to=[cast.user("liu").pk])
    with crossing.standing(Desk.CLERK), crossing.inside(cast.beijing):
        last = busy[0].movements.order_by("-number").first()
    assert last is not None
    assert (last.act, last.actor_role, last.actor_name) == ("assign", "manager", "陈管理")


def test_what_was_left_behind_is_given_on_later(cast: Cast, busy: list[Case]) -> None:
    client, li, liu = at_desk(cast, "chen"), cast.user("li"), cast.user("liu")
    send(client, f"/people/{li.pk}/deactivation/", to=[])
    page = client.page(f"/people/{li.pk}/")
    assert "该人员已不能办理案卷，但还有 3 份案卷在手" in page
    assert "请至少选择一位同事" in send(client, f"/people/{li.pk}/cases/")
    assert send(client, f"/people/{li.pk}/cases/", to=[liu.pk]).count("已改派给刘初审。") == 3


def test_who_still_reviews_keeps_the_cases_from_managers(cast: Cast, busy: list[Case]) -> None:
    client, li, liu = at_desk(cast, "chen"), cast.user("li"), cast.user("liu")
    assert client.post(f"/people/{li.pk}/cases/", {"to": [liu.pk]}).status_code == 404
    assert [case_now(cast.beijing, case.pk).assignee_id for case in busy] == [li.pk] * 3


def test_whoever_must_stand_aside_gets_nothing_and_loads_are_shared(cast: Cast) -> None:
    third = factories.person("丁测")
    fourth = factories.person("戊测")
    for person in (cast.zhang, cast.sun, third, fourth):
        lodged(cast, person, State.SUBMITTED)
    User.objects.filter(username="liu.beijing").update(document_digest=cast.zhang.document_digest)
    with crossing.standing(Desk.AGENCY, cast.beijing):
        new = staffing.invite(
            agency=cast.beijing,
            name="新经办",
            username="xin.beijing",
            email="",
            roles=["reviewer"],
            by=cast.user("chen"),
        )
        new.set_password("Synthetic-pass-1")
        new.save()
    client, li, liu = at_desk(cast, "chen"), cast.user("li"), cast.user("liu")
    page = client.page(f"/people/{li.pk}/deactivation/")
    assert page.count("刘初审") == 2  # as a choice, and beside the own case
    send(client, f"/people/{li.pk}/deactivation/", to=[liu.pk, new.pk])
    with crossing.standing(Desk.AGENCY, cast.beijing):
        loads = staffing.in_hand(cast.beijing)
        own = Case.objects.get(person_id=cast.zhang.pk)
    assert loads == {liu.pk: 2, new.pk: 2}
    assert own.assignee_id == new.pk


def test_a_colleague_of_another_agency_is_no_choice(cast: Cast, busy: list[Case]) -> None:
    client, li = at_desk(cast, "chen"), cast.user("li")
    send(client, f"/people/{li.pk}/deactivation/", to=[cast.user("he").pk])
    assert [case_now(cast.beijing, case.pk).assignee_id for case in busy] == [li.pk] * 3
    assert now(li).is_active


def test_the_authority_lets_go_and_leaves_the_cases_to_the_signing_officer(cast: Cast) -> None:
    case = lodged(cast, cast.zhang, State.REPORTED)
    zhao = at_desk(cast, "zhao")
    zhao.act(case, "holding")
    client = at_desk(cast, "feng")
    path = f"/people/{cast.user('zhao').pk}/deactivation/"
    assert "由签批人改派" in client.page(path)
    assert "还有 1 份案卷在其手中" in send(client, path)
    assert not now(cast.user("zhao")).is_active


def test_who_comes_back_is_invited_anew(cast: Cast) -> None:
    client, li = at_desk(cast, "chen"), cast.user("li")
    send(client, f"/people/{li.pk}/deactivation/")
    assert "李初审" in client.page("/people/?tab=inactive")
    assert "李初审" not in client.page("/people/")
    assert "/invitations/" in send(client, f"/people/{li.pk}/reactivation/")
    assert (now(li).is_active, held(li, cast.beijing)) == (True, frozenset())


# --- Leave and deputies --------------------------------------------------------------------------------


def go_away(client: DeskClient, path: str, deputy: User, days: int = 3) -> str:
    today = clock.today()
    return send(
        client,
        path,
        since=today.isoformat(),
        until=(today + timedelta(days=days)).isoformat(),
        deputy=deputy.pk,
    )


def test_a_deputy_acts_on_the_cases_of_the_absent_in_the_own_name(cast: Cast) -> None:
    case = lodged(cast, cast.zhang, State.SUBMITTED)
    liu = at_desk(cast, "liu")
    assert "请先领取本案" in liu.act(case, "acceptance")
    assert "请假和代理已登记" in go_away(at_desk(cast, "li"), "/leave/", cast.user("liu"))
    assert "您代理李初审" in liu.page("/leave/")
    liu.act(case, "acceptance")
    with crossing.standing(Desk.CLERK), crossing.inside(cast.beijing):
        last = Case.objects.get(pk=case.pk).movements.order_by("-number").first()
    assert last is not None
    assert (last.act, last.actor_name, last.actor_role) == ("accept", "刘初审", "reviewer")
    assert case_now(cast.beijing, case.pk).assignee_id == cast.user("li").pk


def test_when_the_leave_ends_the_deputy_covers_no_more(cast: Cast) -> None:
    case = lodged(cast, cast.zhang, State.SUBMITTED)
    li = at_desk(cast, "li")
    go_away(li, "/leave/", cast.user("liu"))
    absence = Absence.objects.get()
    assert at_desk(cast, "liu").post(f"/leave/{absence.pk}/end/").status_code == 404
    assert "请假已结束" in send(li, f"/leave/{absence.pk}/end/")
    assert "请先领取本案" in at_desk(cast, "liu").act(case, "acceptance")


def test_a_manager_enters_a_leave_and_the_list_shows_it(cast: Cast) -> None:
    client, li = at_desk(cast, "chen"), cast.user("li")
    assert "请假和代理已登记" in go_away(client, f"/people/{li.pk}/leave/", cast.user("liu"))
    listed = client.page("/people/")
    assert "由刘初审代理" in listed
    assert "正在代理李初审" in listed
    assert "请假已结束" in send(client, f"/leave/{Absence.objects.get().pk}/end/")


@pytest.mark.parametrize("deputy", ["he", "wang", "li"])
def test_nobody_else_is_offered_as_a_deputy(cast: Cast, deputy: str) -> None:
    assert "请从列表中选择一项" in go_away(at_desk(cast, "li"), "/leave/", cast.user(deputy))
    assert Absence.objects.count() == 0


def test_the_case_page_asks_once_for_deputyships_and_only_reviewers_have_any(cast: Cast) -> None:
    case = lodged(cast, cast.zhang, State.SUBMITTED)
    for who, asked in (("li", 1), ("wang", 0)):
        client = at_desk(cast, who)
        client.page(f"/cases/{case.pk}/")
        with CaptureQueriesContext(connection) as queries:
            client.page(f"/cases/{case.pk}/")
        assert sum("tenants_absence" in query["sql"] for query in queries) == asked, who


# --- Many at once ------------------------------------------------------------------------------------------


def sheet(*rows: tuple[str, ...], name: str = "list.xlsx") -> SimpleUploadedFile:
    book = Workbook()
    page = book.active
    assert page is not None
    for row in (("姓名", "登录名", "邮箱", "手机号码", "角色", "备注"), *rows):
        page.append(row)
    out = BytesIO()
    book.save(out)
    return SimpleUploadedFile(name, out.getvalue())


GOOD = ("甲某", "Jia.Beijing", "jia@example.cn", "13800000001", "经办、审核")


def test_a_list_is_looked_at_and_then_invited_line_by_line(cast: Cast) -> None:
    client = at_desk(cast, "chen")
    answer = client.post("/people/import/", {"file": sheet(GOOD, ("乙某", "yi.beijing", "", "", "管理员"))})
    assert "共 2 行，没有发现错误" in words(answer)
    assert not User.objects.filter(username="jia.beijing").exists()
    packed = re.search(r'name="rows" value="([^"]+)"', answer.content.decode())
    assert packed is not None
    said = send(client, "/people/import/", rows=packed[1])
    assert "2 人中已邀请 2 人" in said
    jia = User.objects.get(username="jia.beijing")
    assert jia.home == cast.beijing
    assert held(jia, cast.beijing) == {"reviewer", "supervisor"}
    assert "2 人中已邀请 0 人" in send(client, "/people/import/", rows=packed[1])
    assert RoleGrant.objects.filter(user=jia).count() == 2


FAULTY_LINES = (
    (("", "a1", "", "", "经办"), "姓名 必填。"),
    (("=1+1", "a2", "", "", "经办"), "姓名 不能以 = + - @ 开头"),
    (("甲某", "李", "", "", "经办"), "登录名 登录名只能使用小写字母"),
    (("甲某", "li.beijing", "", "", "经办"), "登录名 已有这个登录名的账号。"),
    (("甲某", "jia.beijing", "", "", "经办"), "登录名 与第 2 行重复。"),
    (("甲某", "a3", "nowhere", "", "经办"), "电子邮箱 "),
    (("甲某", "a4", "", "12", "经办"), "手机号码 "),
    (("甲某", "a5", "", "", "局长"), "角色 没有“局长”这一角色。"),
    (("甲某", "a6", "", "", "终审员"), "角色 没有“终审员”这一角色。"),
    (("甲某", "a7", "", "", "经办、审计员"), "角色 同一人不能兼任"),
)


def test_faulty_lines_are_told_and_the_others_can_be_invited(cast: Cast) -> None:
    file = sheet(GOOD, *(row for row, _said in FAULTY_LINES))
    page = words(at_desk(cast, "chen").post("/people/import/", {"file": file}))
    assert "共 11 行，其中 10 行有错误" in page
    assert "邀请这 1 人" in page
    for line, (_row, said) in enumerate(FAULTY_LINES, 3):
        assert f"{line} {said}" in page


def test_another_managers_or_desks_list_is_not_taken(cast: Cast) -> None:
    answer = at_desk(cast, "chen").post("/people/import/", {"file": sheet(GOOD)})
    packed = re.search(r'name="rows" value="([^"]+)"', answer.content.decode())
    assert packed is not None
    other = at_desk(cast, "feng")
    assert "已过期" in send(other, "/people/import/", rows=packed[1])
    assert "已过期" in send(at_desk(cast, "chen"), "/people/import/", rows=packed[1] + "x")
    assert not User.objects.filter(username="jia.beijing").exists()


def test_the_template_has_the_columns_the_import_reads(cast: Cast) -> None:
    client = at_desk(cast, "chen")
    book = load_workbook(BytesIO(client.get("/people/import/staff.xlsx").content))
    assert [cell.value for cell in book.worksheets[0][1]] == [
        "姓名",
        "登录名",
        "电子邮箱",
        "手机号码",
        "角色",
    ]
    text = client.get("/people/import/staff.csv").content.decode("utf-8-sig")
    assert text.strip() == "姓名,登录名,电子邮箱,手机号码,角色"
    assert client.get("/people/import/staff.exe").status_code == 404


def test_a_file_that_is_no_list_is_told_beside_the_field(cast: Cast) -> None:
    client = at_desk(cast, "chen")
    for data in (b"", b"PK nonsense", b"\xd0\xcf\x11\xe0", "姓名\n甲".encode()):
        answer = client.post("/people/import/", {"file": SimpleUploadedFile("x.csv", data)})
        assert answer.status_code == 200
        assert 'id="id_file_error"' in answer.content.decode()


# --- The counter ---------------------------------------------------------------------------------------


def test_the_counter_page_issues_shows_once_and_lists(cast: Cast) -> None:
    client = at_desk(cast, "li")
    given = {
        "name": "张测",
        "document_type": "01",
        "number": "11000019900101003X",
        "reason": "本人到柜台",
        "seen": "on",
    }
    said = words(client.post("/counter-codes/", given))
    shown = re.search(r"\b[A-Z0-9]{4}-[A-Z0-9]{4}\b", said)
    assert shown is not None
    listed = client.page("/counter-codes/")
    assert "110000********003X" in listed
    assert "可以使用" in listed
    assert shown[0] not in listed
    assert "11000019900101003X" not in listed
    assert "今天还没有签发重置码" in at_desk(cast, "he").page("/counter-codes/")


def test_the_counter_is_for_those_who_handle_cases(cast: Cast) -> None:
    found = {
        who: at_desk(cast, who).get("/counter-codes/").status_code for who in ("li", "wang", "chen", "xu")
    }
    assert found == {"li": 200, "wang": 200, "chen": 404, "xu": 404}


def test_without_the_original_nothing_is_issued_and_strangers_are_not_found(cast: Cast) -> None:
    client = at_desk(cast, "wang")
    given = {"name": "张测", "document_type": "01", "number": "11000019900101003X", "reason": "本人到柜台"}
    assert "核对证件原件以后才能签发" in words(client.post("/counter-codes/", given))
    said = words(client.post("/counter-codes/", {**given, "seen": "on", "name": "李四"}))
    assert "未找到姓名和证件号码都一致的人员" in said


def test_an_officer_who_misses_too_often_has_to_wait(cast: Cast, settings: Settings) -> None:
    settings.AXES_FAILURE_LIMIT = 3
    given = {"document_type": "01", "number": "11000019900101003X", "reason": "本人到柜台", "seen": "on"}
    client = at_desk(cast, "wang")
    tries = [
        client.post("/counter-codes/", {**given, "name": name}).status_code
        for name in ("李四", "王五", "赵六", "张测")
    ]
    assert tries == [200, 200, 429, 429]
    assert CounterCode.objects.count() == 0
    assert at_desk(cast, "li").post("/counter-codes/", {**given, "name": "张测"}).status_code == 200
    assert CounterCode.objects.count() == 1
