"""Letters as files: ordered with the act, drawn once, whole or not there, served only as they were kept."""

from __future__ import annotations

import datetime as dt
import json
import os
import re
import resource
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from io import StringIO
from pathlib import Path
from threading import Barrier
from typing import Any
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from register import clock
from review import casework, handover, letter_figures, letter_files
from review.documents import letters as documents
from review.models import Letter
from review.states import State
from tenants import crossing
from tenants.crossing import Desk
from tenants.crypto import sha256_hex
from tenants.errors import Refusal
from tenants.models import Agency
from tests import casefiles
from tests.cast import Cast
from tests.review.desks import at_desk

pytestmark = pytest.mark.django_db

DRAWN: list[str] = []


def paint(letter: documents.Letter) -> bytes:
    """What a letter says, in place of its PDF: drawing a real one takes a quarter of a second."""
    DRAWN.append(letter.slug)
    words = (letter.head, letter.title, letter.number, letter.to, *letter.paragraphs, letter.issuer)
    return "\n".join(map(str, words)).encode()


@pytest.fixture(autouse=True)
def _own_folder(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    settings.MEDIA_ROOT = tmp_path
    monkeypatch.setattr(documents, "letter_pdf", paint)
    DRAWN.clear()
    yield


def accepted(cast: Cast) -> UUID:
    """A case of Zhang at Beijing with two letters: the receipt of lodging and that of acceptance."""
    with cast.at_applicants_desk(cast.zhang), crossing.inside(cast.beijing):
        case = casefiles.lodge(cast.zhang, cast.beijing)
    with crossing.standing(Desk.AGENCY, cast.beijing):
        casefiles.walk(case, cast.actor("li"), State.ACCEPTED)
    return case.pk


def rows(cast: Cast, agency: Agency | None = None) -> list[Letter]:
    with crossing.standing(Desk.CLERK), crossing.inside(agency or cast.beijing):
        return list(Letter.objects.select_related("movement").order_by("movement__number"))


def sweep() -> letter_files.Swept:
    with crossing.standing(Desk.CLERK):
        return letter_files.sweep()


def asked(cast: Cast, case_id: UUID, slug: str) -> bytes | None:
    with crossing.standing(Desk.AGENCY, cast.beijing):
        return letter_files.pdf_of(case_id, slug, cast.beijing)


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def test_an_act_orders_its_letter_and_a_sweep_draws_it_once(cast: Cast, tmp_path: Path) -> None:
    case_id = accepted(cast)
    assert [(row.name, row.made_at) for row in rows(cast)] == [("lodged", None), ("accepted", None)]
    assert sweep() == letter_files.Swept(drawn=2)
    assert sweep() == letter_files.Swept()
    assert DRAWN == ["lodged-1", "accepted-3"]
    for row in rows(cast):
        data = (tmp_path / row.path).read_bytes()
        assert (sha256_hex(data), len(data)) == (row.sha256, row.size)
        assert (tmp_path / row.path).stat().st_mode & 0o777 == 0o600
        assert asked(cast, case_id, f"{row.name}-{row.movement.number}") == data
        assert (row.attempts, row.last_error) == (1, "")
    assert len(files(tmp_path)) == len(DRAWN) == 2


def test_what_is_not_drawn_yet_is_drawn_when_asked_for(cast: Cast) -> None:
    case_id = accepted(cast)
    first = asked(cast, case_id, "accepted-3")
    assert first and asked(cast, case_id, "accepted") == first
    assert DRAWN == ["accepted-3"]
    assert sweep().drawn == 1
    for slug in ("accepted-2", "granted", "granted-3", "x-1-y"):
        assert asked(cast, case_id, slug) is None


def test_a_case_from_before_letters_were_kept_gets_them_when_asked(cast: Cast) -> None:
    case_id = accepted(cast)
    with crossing.standing(Desk.OWNER, cast.beijing):
        Letter.objects.all().delete()
    assert asked(cast, case_id, "lodged")
    assert [(row.name, bool(row.made_at)) for row in rows(cast)] == [("lodged", True)]
    assert asked(cast, case_id, "lodged-1")
    assert DRAWN == ["lodged-1"]


def test_what_was_written_says_the_values_of_the_act(cast: Cast) -> None:
    case_id = accepted(cast)
    name = cast.beijing.name_zh
    with crossing.standing(Desk.OWNER):
        Agency.objects.filter(pk=cast.beijing.pk).update(name_zh="改名以后的机构", letter_head="新抬头")
    agency = Agency.objects.get(pk=cast.beijing.pk)
    with crossing.standing(Desk.AGENCY, agency):
        data = letter_files.pdf_of(case_id, "accepted", agency)
    assert data is not None
    assert name in data.decode()
    assert "改名" not in data.decode() and "新抬头" not in data.decode()


@pytest.mark.parametrize("damage", ["changed", "gone"])
def test_a_damaged_file_is_drawn_anew_word_for_word(
    cast: Cast, tmp_path: Path, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    case_id = accepted(cast)
    kept = asked(cast, case_id, "accepted")
    (file,) = files(tmp_path)
    file.write_bytes(file.read_bytes()[:-1] + b"?") if damage == "changed" else file.unlink()
    assert asked(cast, case_id, "accepted") == kept
    assert file.read_bytes() == kept
    assert "was damaged and has been drawn anew" in caplog.text


def test_a_damaged_file_whose_content_differs_is_refused_and_told(cast: Cast, tmp_path: Path) -> None:
    case_id = accepted(cast)
    sweep()
    with crossing.standing(Desk.OWNER, cast.beijing):
        row = Letter.objects.get(name="accepted")
        Letter.objects.filter(pk=row.pk).update(content={**row.content, "number": "SL000000000000"})
    (tmp_path / row.path).write_bytes(b"something else")
    with pytest.raises(Refusal) as no:
        asked(cast, case_id, "accepted")
    assert no.value.code == "damaged"
    assert (tmp_path / row.path).read_bytes() == b"something else"
    with crossing.standing(Desk.AUTHORITY):
        assert letter_files.figures() == letter_files.Figures(damaged=1)
        assert letter_figures.gauges()["letters_damaged"][1] == 1
    out = StringIO()
    with pytest.raises(CommandError, match="1 damaged"):
        call_command("letters", "--json", stdout=out)
    assert json.loads(out.getvalue()) == {
        **{"waiting": 0, "late": 0, "failing": 0, "damaged": 1},
        "oldest_seconds": 0.0,
    }
    room = at_desk(cast, "feng").get("/post-room/").content.decode()
    assert re.search(r'class="is-alarm">\s*<dt>存档损坏的文书</dt>\s*<dd class="figures">\s*1\s*</dd>', room)
    assert "存档损坏的文书" not in at_desk(cast, "chen").get("/post-room/").content.decode()
    page = at_desk(cast, "li").get(f"/cases/{case_id}/letters/accepted-3.pdf")
    assert (page.status_code, "存档文件已损坏" in page.content.decode()) == (409, True)


def test_after_a_failure_the_pauses_grow(cast: Cast, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    case_id = accepted(cast)

    def full(path: Path, data: bytes) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(letter_files, "_write", full)
        assert sweep() == letter_files.Swept(failed=2)
        assert sweep() == letter_files.Swept()
        with pytest.raises(Refusal) as no:
            asked(cast, case_id, "accepted")
    assert no.value.code == "not_made"
    assert [(row.attempts, row.last_error) for row in rows(cast)] == [
        (1, "OSError: No space left on device"),
        (2, "OSError: No space left on device"),
    ]
    with crossing.standing(Desk.AUTHORITY):
        told = letter_files.figures()
    assert (told.waiting, told.late, told.failing, told.damaged) == (2, 0, 2, 0)
    assert [letter_files.pause(n) for n in (1, 2, 3, 9, 400)] == [10, 20, 40, 1800, 1800]
    later = clock.now() + dt.timedelta(minutes=1)
    monkeypatch.setattr(clock, "now", lambda: later)
    assert sweep() == letter_files.Swept(drawn=2)
    assert all(row.last_error == "" for row in rows(cast))
    assert len(files(tmp_path)) == 2


def test_a_disk_that_is_full_leaves_no_half_file(tmp_path: Path) -> None:
    """With a true limit on the size of files, in a process of its own."""
    path = tmp_path / "letters" / "a.pdf"
    child = os.fork()
    if child == 0:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
        try:
            letter_files._write(path, b"x" * 20_000)
        except OSError as error:
            os._exit(error.errno or 1)
        os._exit(0)
    _pid, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 27  # EFBIG
    assert files(tmp_path) == []
    letter_files._write(path, b"x" * 20_000)
    assert files(tmp_path) == [path]


def test_a_sweep_on_a_full_disk_leaves_the_letters_waiting(
    cast: Cast, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    accepted(cast)
    _soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (64, hard))
    try:
        assert sweep() == letter_files.Swept(failed=2)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (_soft, hard))
    assert {row.last_error for row in rows(cast)} == {"OSError: File too large"}
    assert files(tmp_path) == []
    later = clock.now() + dt.timedelta(minutes=1)
    monkeypatch.setattr(clock, "now", lambda: later)
    assert sweep() == letter_files.Swept(drawn=2)
    assert len(files(tmp_path)) == 2


def test_nobody_else_reads_a_letter(cast: Cast) -> None:
    case_id = accepted(cast)
    assert at_desk(cast, "li").get(f"/cases/{case_id}/letters/accepted-3.pdf").status_code == 200
    assert at_desk(cast, "ma").get(f"/cases/{case_id}/letters/accepted-3.pdf").status_code == 404
    with cast.at_applicants_desk(cast.zhang), crossing.inside(cast.beijing):
        assert Letter.objects.count() == 2
    with cast.at_applicants_desk(cast.sun), crossing.inside(cast.beijing):
        assert Letter.objects.count() == 0
        assert letter_files.pdf_of(case_id, "accepted-3", cast.beijing) is None


def test_every_letter_has_a_name_of_its_own() -> None:
    assert len(set(documents.NAMES.values())) == len(documents.NAMES)
    assert set(documents.LETTERS.values()) == set(documents.NAMES)


@pytest.mark.django_db(transaction=True)
def test_task_and_click_at_once_keep_one_file(cast: Cast, tmp_path: Path) -> None:
    case_id = accepted(cast)
    gate = Barrier(3)

    def at_once(work: Callable[[], object]) -> object:
        try:
            gate.wait(timeout=10)
            return work()
        finally:
            connection.close()

    with ThreadPoolExecutor(3) as threads:
        click = [threads.submit(at_once, lambda: asked(cast, case_id, "accepted")) for _ in range(2)]
        swept = threads.submit(at_once, sweep)
        pages = [one.result(timeout=30) for one in click]
        swept.result(timeout=30)
    sweep()
    assert pages[0] == pages[1] is not None
    assert sorted(DRAWN) == ["accepted-3", "lodged-1"]
    assert [row.attempts for row in rows(cast)] == [1, 1]
    assert len(files(tmp_path)) == 2


def test_a_case_handed_over_takes_its_letters_along(cast: Cast) -> None:
    case_id = accepted(cast)
    kept = asked(cast, case_id, "accepted")
    with crossing.standing(Desk.AGENCY, cast.beijing):
        handover.hand_over(
            case_id=case_id, source=cast.beijing, target=cast.mohurd, by=cast.actor("wang"), text="误投。"
        )
    sweep()
    assert [row.name for row in rows(cast, cast.mohurd)] == ["lodged", "accepted", "handed-over"]
    with crossing.standing(Desk.AGENCY, cast.mohurd):
        assert letter_files.pdf_of(case_id, "accepted", cast.mohurd) == kept
        there = letter_files.pdf_of(case_id, "handed-over", cast.mohurd)
    assert there == asked(cast, case_id, "handed-over")
    assert cast.beijing.name_zh in (there or b"").decode()


def test_an_act_gains_one_statement(cast: Cast) -> None:
    with cast.at_applicants_desk(cast.zhang), crossing.inside(cast.beijing):
        case = casefiles.lodge(cast.zhang, cast.beijing)
    with crossing.standing(Desk.AGENCY, cast.beijing):
        casework.take_up(case=case, by=cast.actor("li"))
        with CaptureQueriesContext(connection) as done:
            casework.accept(case=case, by=cast.actor("li"))
    said = [query["sql"] for query in done.captured_queries]
    assert len([sql for sql in said if "review_letter" in sql]) == 1
    assert len(said) <= 14
