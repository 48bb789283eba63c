"""Rosters at the authority's desk: a file is looked through, decided on, written; and lists are exported."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from openpyxl.reader.excel import load_workbook

from register import clock, roster_jobs, rosters
from register.models import Person, Qualification, RosterJob
from register.resources import QualificationResource
from review.tasks import prepare
from tenants import crossing
from tenants.crossing import Desk
from tenants.models import AccessRecord, PreparedFile
from tests import factories
from tests.cast import APPLICANTS, Cast
from tests.review.desks import DeskClient, at_desk, words

pytestmark = pytest.mark.django_db


def csv(*rows: dict[str, str]) -> SimpleUploadedFile:
    columns = [field.column_name for field in QualificationResource().fields.values()]
    lines = [",".join(columns), *(",".join(row.get(name, "") for name in columns) for row in rows)]
    return SimpleUploadedFile("roster.csv", "\n".join(lines).encode(), content_type="text/csv")


def row(name: str, number: str, certificate: str) -> dict[str, str]:
    return {
        "姓名": name,
        "证件类型": "01",
        "证件号码": number,
        "资格证书编号": certificate,
        "考试年度": "2024",
        "发证日期": "2025-02-10",
    }


def upload(client: DeskClient, *rows: dict[str, str]) -> str:
    """Send a file; the address of its job."""
    sent = client.post("/rosters/", {"what": "qualifications", "file": csv(*rows)})
    assert sent.status_code == 302
    return str(sent["Location"])


def work(address: str) -> bool:
    """What the worker does when it hears the bell."""
    with crossing.standing(Desk.AUTHORITY):
        return roster_jobs.work(UUID(address.split("/")[2]))


def decide(client: DeskClient, address: str, **data: str) -> str:
    return words(client.post(address, data, follow=True))


def job_of(address: str) -> RosterJob:
    return RosterJob.objects.get(pk=address.split("/")[2])


def newcomer(n: int = 1) -> dict[str, str]:
    return row("新人", factories.id_number(), f"CS2024000{n}")


def test_upload_check_and_import(cast: Cast) -> None:
    zhou, line, before = at_desk(cast, "zhou"), newcomer(), Person.objects.count()
    address = upload(zhou, line)
    assert "已排队" in zhou.page(address)
    assert line["证件号码"].encode() not in bytes(job_of(address).data or b"")
    assert work(address) is True
    page = zhou.page(address)
    assert "没有发现错误" in page
    assert line["证件号码"] not in page
    assert Person.objects.count() == before
    assert "正在写入名册" in decide(zhou, address)
    assert work(address) is True
    assert "导入完成：新增 1 行，更新 0 行，无变化 0 行，新增人员 1 人，跳过 0 行" in zhou.page(address)
    assert Qualification.objects.filter(certificate_number="CS20240001", person__name="新人").count() == 1
    assert "新增 1 行" in zhou.page("/rosters/")
    assert (job_of(address).data, job_of(address).result["new"]) == (None, 1)


def test_a_second_click_on_confirm_changes_nothing(cast: Cast) -> None:
    zhou = at_desk(cast, "zhou")
    address = upload(zhou, newcomer())
    work(address)
    decide(zhou, address)
    assert "已经确认或取消" in decide(zhou, address)
    assert (work(address), work(address)) == (True, False)
    assert "已经确认或取消" in decide(zhou, address)
    assert Qualification.objects.filter(certificate_number="CS20240001").count() == 1


def test_the_same_file_twice_is_one_job_and_later_changes_nothing(cast: Cast) -> None:
    zhou, line = at_desk(cast, "zhou"), newcomer()
    address = upload(zhou, line)
    assert upload(zhou, line) == address
    work(address)
    decide(zhou, address)
    work(address)
    again = upload(zhou, line)
    assert again != address
    work(again)
    found = job_of(again).findings["counts"]
    assert (found["new"], found["changed"], found["unchanged"]) == (0, 0, 1)
    decide(zhou, again)
    work(again)
    assert "无变化 1 行" in zhou.page(again)


def test_faulty_lines_come_back_as_a_file_and_may_be_skipped(cast: Cast) -> None:
    zhou, good = at_desk(cast, "zhou"), newcomer(1)
    wrong = row("错人", "110101199003070000", "CS20240002") | {"发证机关": "-1"}
    twice = newcomer(3) | {"资格证书编号": "CS20240001"}
    address = upload(zhou, good, wrong, twice)
    work(address)
    page = zhou.page(address)
    assert "有 2 行有错误" in page
    assert "4 2 CS20240001" in page  # line, repeats which, certificate
    assert "没有导入任何一行" in decide(zhou, address)
    assert not Qualification.objects.filter(certificate_number="CS20240001").exists()
    book = load_workbook(io.BytesIO(zhou.get(f"{address}errors.xlsx").content)).worksheets[0]
    lines = list(book.iter_rows(values_only=True))
    assert (lines[0][0], lines[0][2], lines[0][-1]) == ("行号", "姓名", "问题")
    assert [(line[0], line[2]) for line in lines[1:]] == [(3, "错人"), (4, "新人")]
    assert "校验位" in lines[1][-1]
    text = zhou.get(f"{address}errors.csv").content.decode()
    assert ",'-1," in text
    mended = SimpleUploadedFile("mended.csv", text.replace(wrong["证件号码"], factories.id_number()).encode())
    assert zhou.post("/rosters/", {"what": "qualifications", "file": mended}).status_code == 302
    decide(zhou, address, skip_bad_rows="on")
    work(address)
    assert "新增 1 行" in zhou.page(address)
    assert "跳过 2 行" in zhou.page(address)
    assert Qualification.objects.filter(certificate_number__startswith="CS2024").count() == 1


def test_what_changes_is_shown_before(cast: Cast) -> None:
    zhou, zhang = at_desk(cast, "zhou"), APPLICANTS["zhang"]
    changed = row("张测", zhang.number, zhang.certificate) | {"发证机关": "新示例中心"}
    address = upload(zhou, changed)
    work(address)
    page = zhou.page(address)
    assert "会改动的内容" in page
    assert "发证机关：" in page
    assert "→ 新示例中心" in page
    decide(zhou, address)
    work(address)
    assert Qualification.objects.get(certificate_number=zhang.certificate).issuer == "新示例中心"


def test_a_register_that_changed_meanwhile_is_told_and_nothing_is_written(cast: Cast) -> None:
    zhou, line, other = at_desk(cast, "zhou"), newcomer(1), newcomer(2)
    address = upload(zhou, line, other)
    work(address)
    decide(zhou, address)
    factories.qualification(cast.zhang, certificate_number="CS20240002")
    work(address)
    page = zhou.page(address)
    assert "您确认之后名册有了变动" in page
    assert "有 1 行有错误" in page
    assert not Qualification.objects.filter(certificate_number="CS20240001").exists()
    decide(zhou, address, skip_bad_rows="on")
    work(address)
    assert "新增 1 行" in zhou.page(address)


def test_what_was_shown_as_new_is_not_silently_left_as_it_is(cast: Cast) -> None:
    """No line is faulty, but one brings nothing new any more: the officer is asked again."""
    zhou, zhang = at_desk(cast, "zhou"), APPLICANTS["zhang"]
    address = upload(zhou, newcomer(1), row(zhang.name, zhang.number, "CS20240002"))
    work(address)
    decide(zhou, address)
    factories.qualification(
        cast.zhang, certificate_number="CS20240002", exam_year=2024, issued_on=date(2025, 2, 10), issuer=""
    )
    work(address)
    page = zhou.page(address)
    assert "您确认之后名册有了变动" in page
    assert job_of(address).findings["counts"] == {
        **{"rows": 2, "new": 1, "changed": 0, "unchanged": 1, "new_people": 1, "faulty": 0}
    }
    assert not Qualification.objects.filter(certificate_number="CS20240001").exists()
    decide(zhou, address)
    work(address)
    assert (job_of(address).stage, job_of(address).result["new"]) == ("done", 1)


def test_a_change_of_other_words_than_those_shown_is_asked_about_again(cast: Cast) -> None:
    zhou, zhang = at_desk(cast, "zhou"), APPLICANTS["zhang"]
    address = upload(zhou, row(zhang.name, zhang.number, zhang.certificate) | {"发证机关": "新示例中心"})
    work(address)
    decide(zhou, address)
    Qualification.objects.filter(certificate_number=zhang.certificate).update(issuer="别的示例中心")
    work(address)
    assert (job_of(address).stage, job_of(address).findings["counts"]["changed"]) == ("checked", 1)
    assert "别的示例中心 → 新示例中心" in zhou.page(address)
    assert Qualification.objects.get(certificate_number=zhang.certificate).issuer == "别的示例中心"


def test_a_job_is_cancelled_at_any_time_before_the_end(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    zhou, before = at_desk(cast, "zhou"), Person.objects.count()
    first = upload(zhou, newcomer(1))
    assert "没有导入" in words(zhou.post(f"{first}cancellation/", follow=True))
    assert (work(first), job_of(first).data) == (False, None)
    second = upload(zhou, newcomer(2))
    work(second)
    decide(zhou, second)
    really = rosters.write

    def cancelled_meanwhile(plan: Any, what: Any, heed: Callable[[int], None]) -> None:
        really(plan, what, lambda done: None)
        RosterJob.objects.filter(pk=job_of(second).pk).update(cancel_asked=True)
        heed(1)

    monkeypatch.setattr(rosters, "write", cancelled_meanwhile)
    # In a test the rows of the job are in the same transaction: the wish to cancel is taken back as well.
    assert work(second) is False
    assert Person.objects.count() == before
    assert not Qualification.objects.filter(certificate_number="CS20240002").exists()


def test_a_killed_worker_is_followed_by_the_next(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    zhou, rung = at_desk(cast, "zhou"), list[UUID]()
    monkeypatch.setattr(roster_jobs, "ring", rung.append)
    address = upload(zhou, newcomer())
    work(address)
    decide(zhou, address)
    really = rosters.write

    def killed(*_given: Any) -> None:
        really(*_given)
        raise SystemExit

    monkeypatch.setattr(rosters, "write", killed)
    with pytest.raises(SystemExit):
        work(address)
    monkeypatch.setattr(rosters, "write", really)
    assert (job_of(address).stage, job_of(address).starts) == ("writing", 1)
    assert not Qualification.objects.filter(certificate_number="CS20240001").exists()
    RosterJob.objects.update(seen_at=clock.now() - timedelta(minutes=1))
    with crossing.standing(Desk.CLERK):
        assert roster_jobs.sweep() == 1
    assert rung[-1] == job_of(address).pk
    assert (work(address), job_of(address).stage) == (True, "done")


def test_a_file_that_kills_every_worker_is_given_up(cast: Cast) -> None:
    zhou = at_desk(cast, "zhou")
    address = upload(zhou, newcomer())
    long_ago = clock.now() - timedelta(minutes=1)
    RosterJob.objects.update(seen_at=long_ago, started_at=long_ago, starts=roster_jobs.MOST_STARTS)
    assert work(address) is False
    with crossing.standing(Desk.CLERK):
        roster_jobs.sweep()
    assert "多次没有办完" in zhou.page(address)


def test_after_a_week_the_file_goes_and_the_counts_stay(cast: Cast) -> None:
    zhou = at_desk(cast, "zhou")
    address = upload(zhou, newcomer(), row("错人", "1", "CS20240002"))
    work(address)
    RosterJob.objects.update(expires_at=clock.now())
    with crossing.standing(Desk.CLERK):
        roster_jobs.sweep()
    job = job_of(address)
    assert (job.stage, job.data, job.errors, set(job.findings)) == (
        "cancelled", None, None, {"language", "counts"},
    )  # fmt: skip
    assert "7 天内没有确认" in zhou.page(address)
    assert zhou.get(f"{address}errors.csv").status_code == 404


@pytest.mark.parametrize(
    ("name", "data", "answer"),
    [
        ("roster.csv", b"", "文件是空的"),
        ("roster.csv", "姓名,别的\n甲,乙\n".encode(), "缺少列"),
        ("roster.xlsx", b"not a workbook", "XLSX"),
        ("roster.exe", b"MZ", "缺少列"),
    ],
)
def test_a_file_that_is_no_roster_is_answered_on_the_page(
    cast: Cast, name: str, data: bytes, answer: str
) -> None:
    zhou = at_desk(cast, "zhou")
    page = zhou.post("/rosters/", {"what": "qualifications", "file": SimpleUploadedFile(name, data)})
    assert page.status_code == 200
    assert "请先改正下列问题" in words(page)
    assert answer in words(page)
    assert not RosterJob.objects.exists()


def test_without_a_file_the_page_asks_for_one(cast: Cast) -> None:
    assert "请选择文件" in words(at_desk(cast, "zhou").post("/rosters/", {"what": "qualifications"}))


def test_a_job_is_a_registrars(cast: Cast) -> None:
    zhou = at_desk(cast, "zhou")
    address = upload(zhou, newcomer(), row("错人", "1", "CS20240002"))
    work(address)
    zhao = at_desk(cast, "zhao")
    paths = (address, f"{address}errors.csv", "/rosters/", "/rosters/export/")
    assert [zhao.get(path).status_code for path in paths] == [404] * 4
    assert zhao.post(f"{address}cancellation/").status_code == 404
    # A colleague reads the record, and neither decides on it nor has the file.
    RosterJob.objects.update(by=cast.user("zhao"))
    assert "由上传人核对并确认" in zhou.page(address)
    assert zhou.get(f"{address}errors.csv").status_code == 404
    assert "已经确认或取消" in decide(zhou, address)
    assert zhou.get("/rosters/00000000-0000-4000-8000-000000000000/").status_code == 404


# --- Exports -------------------------------------------------------------------------------------------


def exported(zhou: DeskClient, **asked: str) -> list[list[str]]:
    sent = zhou.post("/rosters/export/", {"what": "qualifications", "form": "csv"} | asked)
    assert sent.status_code == 302, words(sent)
    order = PreparedFile.objects.latest("asked_at")
    assert prepare(str(order.pk), "authority") is True
    text = zhou.get(f"/files/{order.pk}/").content.decode("utf-8-sig")
    return [line.split(",") for line in text.splitlines()]


def test_a_book_is_exported_masked(cast: Cast) -> None:
    zhou, zhang = at_desk(cast, "zhou"), APPLICANTS["zhang"]
    lines = exported(zhou)
    assert len(lines) == 1 + Qualification.objects.count()
    (own,) = [line for line in lines if zhang.certificate in line]
    assert own[:4] == ["张测", "居民身份证", cast.zhang.document_mask, zhang.certificate]
    assert not AccessRecord.objects.exists()


def test_full_numbers_need_a_reason_and_are_on_everybodys_record(cast: Cast) -> None:
    zhou, zhang = at_desk(cast, "zhou"), APPLICANTS["zhang"]
    without = zhou.post("/rosters/export/", {"what": "qualifications", "form": "csv", "full": "on"})
    assert "须填写事由" in words(without)
    lines = exported(zhou, full="on", reason="年度核对", exam_year=str(zhang.exam_year))
    assert zhang.number in {line[2] for line in lines}
    looked = AccessRecord.objects.filter(person_id=cast.zhang.pk)
    assert [look.reason for look in looked] == ["导出名册：年度核对"]


def test_registrations_are_narrowed_by_how_they_stand_today(cast: Cast) -> None:
    zhou, today = at_desk(cast, "zhou"), clock.today()
    factories.registration(cast.zhang, valid_from=today, valid_to=today)
    past = today - timedelta(days=1)
    factories.registration(cast.sun, valid_from=past - timedelta(days=9), valid_to=past)
    valid = exported(zhou, what="registrations", today="valid")
    assert [line[0] for line in valid[1:]] == [cast.zhang.name]
    expired = exported(zhou, what="registrations", today="expired", valid_until=past.isoformat())
    assert [line[0] for line in expired[1:]] == [cast.sun.name]
    nothing = {"what": "registrations", "form": "csv", "today": "revoked"}
    assert "没有符合条件的记录" in words(zhou.post("/rosters/export/", nothing))
