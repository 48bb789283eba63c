"""Any view of the docket as a file: what stands in it, whose numbers, for whom, and the right at download."""

from __future__ import annotations

import csv
import io

import pytest

from register import clock
from register.models import DocketEntry
from register.tables import Form
from review import docket_exports, lists, prepared
from review.queue import DOCKET
from review.tasks import prepare
from tenants import crossing, roles, staff
from tenants.crossing import Desk
from tenants.errors import Refusal
from tenants.models import AccessRecord, PreparedFile, User
from tests import factories
from tests.cast import APPLICANTS, Cast
from tests.review.desks import at_desk

pytestmark = pytest.mark.django_db

REASON = "与公安机关核对身份"


@pytest.fixture(autouse=True)
def unheard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prepared, "ring", lambda kind, key, code: None)


@pytest.fixture
def three(cast: Cast) -> list[DocketEntry]:
    """Zhang's and Gu's wait at two agencies' hands for the final review; Sun's is still being reviewed."""
    reported = {"state": "reported", "clock": "N", "first_verdict": "pass", "remands": 1}
    return [
        factories.docket_line(cast.zhang, cast.beijing, **reported, applicant_name="=1+1"),
        factories.docket_line(cast.gu, cast.mohurd, **reported),
        factories.docket_line(cast.sun, cast.beijing, state="accepted", clock="F"),
    ]


def order(cast: Cast, name: str, query: str = "", **given: str) -> PreparedFile:
    said = at_desk(cast, name).post(f"/cases/export/?{query}", {"format": "csv", **given}, follow=True)
    assert "列表正在导出" in said.content.decode()
    with crossing.standing(Desk.AUTHORITY):
        return PreparedFile.objects.latest("asked_at")


def rows_of(cast: Cast, name: str, file: PreparedFile) -> list[list[str]]:
    answer = at_desk(cast, name).get(f"/files/{file.pk}/")
    assert answer.status_code == 200
    return list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))


def test_a_view_comes_with_its_filters_and_masks(cast: Cast, three: list[DocketEntry]) -> None:
    file = order(cast, "wei", "tab=reported")
    assert (file.total, file.agency_id, file.wish["what"]) == (2, cast.authority.pk, "docket")
    assert prepare(str(file.pk), "authority")
    heads, *rows = rows_of(cast, "wei", file)
    assert heads[:5] == ["申请编号", "注册机构", "注册渠道", "姓名", "证件号码"]
    by_number = {row[0]: row for row in rows}
    zhang, gu = (by_number[line.reference] for line in three[:2])
    assert zhang[1:5] == [cast.beijing.name, "省级注册机构", "'=1+1", cast.zhang.document_mask]
    assert (gu[1], gu[12], gu[16]) == (cast.mohurd.name, "通过", "1")
    assert [each.number in str(rows) for each in APPLICANTS.values()] == [False] * 3
    filtered = order(cast, "wei", "tab=all&agency=mohurd")
    assert (filtered.total, filtered.wish["title"]) == (1, "登记簿列表：全部（已筛选）")
    assert AccessRecord.objects.count() == 0


def test_the_signing_officer_gets_full_numbers_with_a_reason_on_record(
    cast: Cast, three: list[DocketEntry]
) -> None:
    missing = at_desk(cast, "qian").post("/cases/export/?tab=all", {"format": "csv", "full": "on"})
    assert "须填写事由" in missing.content.decode()
    file = order(cast, "qian", "tab=all", full="on", reason=REASON)
    assert prepare(str(file.pk), "authority")
    numbers = {row[4] for row in rows_of(cast, "qian", file)[1:]}
    assert numbers == {APPLICANTS[key].number for key in ("zhang", "sun", "gu")}
    looks = AccessRecord.objects.values_list("user_id", "agency_id", "person_id", "case_id", "reason")
    assert set(looks) == {
        (cast.user("qian").pk, cast.authority.pk, line.person_id, line.pk, f"导出列表：{REASON}")
        for line in three
    }


def test_ones_own_number_stays_masked(cast: Cast, three: list[DocketEntry]) -> None:
    with crossing.standing(Desk.OWNER):
        User.objects.filter(pk=cast.user("qian").pk).update(document_digest=cast.sun.document_digest)
    file = order(cast, "qian", "tab=all", full="on", reason=REASON)
    assert prepare(str(file.pk), "authority")
    numbers = {row[4] for row in rows_of(cast, "qian", file)[1:]}
    assert numbers == {APPLICANTS["zhang"].number, APPLICANTS["gu"].number, cast.sun.document_mask}
    assert AccessRecord.objects.filter(person_id=cast.sun.pk).count() == 0


@pytest.mark.parametrize("name", ["zhao", "zhou", "wei"])
def test_nobody_else_gets_full_numbers(cast: Cast, three: list[DocketEntry], name: str) -> None:
    assert "显示完整证件号码" not in at_desk(cast, name).page("/cases/export/?tab=all")
    assert not order(cast, name, "tab=all", full="on", reason=REASON).full
    with crossing.standing(Desk.AUTHORITY), pytest.raises(Refusal) as no:
        docket_exports.ask(
            by=cast.actor(name),
            agency=cast.authority,
            user=cast.user(name),
            tab=DOCKET.tab("all"),
            wishes={},
            form=Form.CSV,
            full=True,
            reason=REASON,
        )
    assert no.value.code == "not_allowed"


def lose(cast: Cast, name: str, role: str, instead: str) -> None:
    with crossing.standing(Desk.AUTHORITY):
        user, by = cast.user(name), cast.user("feng")
        roles.grant(user=user, agency=cast.authority, role=instead, by=by)
        roles.revoke(user=user, agency=cast.authority, role=role, by=by)


def test_the_right_counts_when_it_is_written_and_when_it_is_fetched(
    cast: Cast, three: list[DocketEntry]
) -> None:
    written = order(cast, "qian", "tab=all", full="on", reason=REASON)
    assert prepare(str(written.pk), "authority")
    waiting = order(cast, "qian", "tab=all", full="on", reason=REASON)
    lose(cast, "qian", "signing_officer", "registrar")
    assert not prepare(str(waiting.pk), "authority")
    qian = at_desk(cast, "qian")
    assert qian.get(f"/files/{written.pk}/")["Location"] == "/files/"
    assert "只有签批人可以导出完整证件号码" in qian.page("/files/")


def test_a_file_is_its_orderers_and_of_this_desk(cast: Cast, three: list[DocketEntry]) -> None:
    file = order(cast, "zhao", "tab=all")
    assert prepare(str(file.pk), "authority")
    names = ("wei", "qian", "li", "wang")
    assert [at_desk(cast, name).get(f"/files/{file.pk}/").status_code for name in names] == [404] * 4
    # The task of another desk does not see the order.
    again = order(cast, "zhao", "tab=all")
    assert not prepare(str(again.pk), "beijing")


def test_the_administrator_exports_nothing(cast: Cast, three: list[DocketEntry]) -> None:
    feng = at_desk(cast, "feng")
    assert [feng.get(path).status_code for path in ("/cases/export/?tab=all", "/files/")] == [404, 404]
    assert "/cases/export/" not in feng.get("/cases/").content.decode()
    assert "/cases/export/" in at_desk(cast, "wei").get("/cases/").content.decode()


def test_a_wrong_filter_exports_nothing(cast: Cast, three: list[DocketEntry]) -> None:
    said = at_desk(cast, "wei").get("/cases/export/?tab=all&due_since=never", follow=True)
    assert "筛选条件有误，没有导出" in said.content.decode()
    empty = at_desk(cast, "wei").post("/cases/export/?tab=granted", {"format": "csv"})
    assert "没有可以导出的内容" in empty.content.decode()


def test_full_numbers_have_a_limit_of_their_own_when_ordered_and_when_written(
    cast: Cast, three: list[DocketEntry], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = order(cast, "qian", "tab=all", full="on", reason=REASON)
    monkeypatch.setattr(lists, "MOST_FULL", 2)
    again = {"format": "csv", "full": "on", "reason": REASON}
    said = at_desk(cast, "qian").post("/cases/export/?tab=all", again).content.decode()
    assert "一次最多导出 2 条，符合条件的超过此数" in said
    assert not prepare(str(file.pk), "authority")
    assert AccessRecord.objects.count() == 0
    assert "一次最多导出 2 条" in at_desk(cast, "qian").page("/files/")
    masked = order(cast, "qian", "tab=all")
    assert (masked.total, prepare(str(masked.pk), "authority")) == (3, True)


def test_ones_own_cases_come_with_those_of_an_absent_colleague(cast: Cast, three: list[DocketEntry]) -> None:
    today = clock.today()
    with crossing.standing(Desk.AUTHORITY):
        roles.grant(
            user=cast.user("zhou"), agency=cast.authority, role="final_reviewer", by=cast.user("feng")
        )
        who = {"user": cast.user("zhao"), "deputy": cast.user("zhou"), "by": cast.user("zhao")}
        staff.enter_leave(agency=cast.authority, **who, since=today, until=today, at=clock.now(), today=today)
        DocketEntry.objects.filter(pk=three[0].pk).update(officer=cast.user("zhao"))
    file = order(cast, "zhou", "tab=mine")
    assert file.total == 1
    assert prepare(str(file.pk), "authority")
    [_heads, row] = rows_of(cast, "zhou", file)
    assert row[0] == three[0].reference


def test_a_file_lies_sealed_and_one_that_cannot_be_unsealed_is_no_error(
    cast: Cast, three: list[DocketEntry]
) -> None:
    file = order(cast, "qian", "tab=all", full="on", reason=REASON)
    assert prepare(str(file.pk), "authority")
    with crossing.standing(Desk.AUTHORITY):
        stored = bytes(PreparedFile.objects.get(pk=file.pk).data or b"")
    assert APPLICANTS["zhang"].number.encode() not in stored
    assert APPLICANTS["zhang"].number in str(rows_of(cast, "qian", file))
    with crossing.standing(Desk.AUTHORITY):
        PreparedFile.objects.filter(pk=file.pk).update(data=b"a list of old")
    answer = at_desk(cast, "qian").get(f"/files/{file.pk}/", follow=True)
    assert "这个文件已不能打开，请重新生成" in answer.content.decode()
