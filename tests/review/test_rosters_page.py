"""Rosters at the authority's desk: look first, then decide."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from pytest_django import Settings

from register.models import Person, Qualification
from register.resources import QualificationResource
from tests import factories
from tests.cast import Cast
from tests.review.desks import at_desk, words

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _private_folder(settings: Settings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path


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


def test_upload_preview_and_import(cast: Cast) -> None:
    zhou = at_desk(cast, "zhou")
    number = factories.id_number()
    sent = zhou.post("/rosters/", {"what": "qualifications", "file": csv(row("新人", number, "CS20240001"))})
    assert sent.status_code == 302
    before = Person.objects.count()
    page = zhou.page(sent["Location"])
    assert "没有发现错误" in page
    assert number not in page
    assert Person.objects.count() == before
    result = words(zhou.post(sent["Location"], {"import": "1"}))
    assert "新增 1 行" in result
    assert "新增人员 1 人" in result
    assert Qualification.objects.filter(certificate_number="CS20240001", person__name="新人").count() == 1
    again = zhou.post(sent["Location"], {"import": "1"}, follow=True)
    assert "上传的文件已过期" in words(again)


def test_a_faulty_row_is_named_by_its_line_and_nothing_is_written_unless_skipped(cast: Cast) -> None:
    zhou = at_desk(cast, "zhou")
    good, bad = factories.id_number(), "110101199003070000"
    file = csv(row("新人", good, "CS20240001"), row("错人", bad, "CS20240002"))
    sent = zhou.post("/rosters/", {"what": "qualifications", "file": file})
    page = zhou.page(sent["Location"])
    assert "有 1 行有错误" in page
    assert "3 证件号码" in page
    refused = zhou.post(sent["Location"], {"import": "1"}, follow=True)
    assert "没有导入任何一行" in words(refused)
    assert not Qualification.objects.filter(certificate_number="CS20240001").exists()
    result = words(zhou.post(sent["Location"], {"import": "1", "skip_bad_rows": "on"}))
    assert "新增 1 行" in result
    assert "跳过 1 行" in result
    assert list(Qualification.objects.filter(certificate_number__startswith="CS2024")) == [
        Qualification.objects.get(certificate_number="CS20240001")
    ]


def test_a_roster_may_be_thrown_away(cast: Cast) -> None:
    zhou = at_desk(cast, "zhou")
    file = csv(row("新人", factories.id_number(), "CS20240001"))
    sent = zhou.post("/rosters/", {"what": "qualifications", "file": file})
    assert "已放弃" in words(zhou.post(sent["Location"], {"discard": "1"}, follow=True))
    assert "上传的文件已过期" in words(zhou.get(sent["Location"], follow=True))


@pytest.mark.parametrize(
    ("name", "data", "answer"),
    [
        ("roster.csv", b"", "文件是空的"),
        ("roster.csv", "姓名,别的\n甲,乙\n".encode(), ""),
        ("roster.xlsx", b"not a workbook", ""),
        ("roster.exe", b"MZ", ""),
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


def test_without_a_file_the_page_asks_for_one(cast: Cast) -> None:
    assert "请选择文件" in words(at_desk(cast, "zhou").post("/rosters/", {"what": "qualifications"}))


def test_an_upload_belongs_to_who_sent_it(cast: Cast) -> None:
    zhou = at_desk(cast, "zhou")
    file = csv(row("新人", factories.id_number(), "CS20240001"))
    sent = zhou.post("/rosters/", {"what": "qualifications", "file": file})
    assert at_desk(cast, "zhao").get(sent["Location"]).status_code == 404
    assert "上传的文件已过期" in words(zhou.get("/rosters/elsewhere/", follow=True))
