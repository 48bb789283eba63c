"""Papers: which ones, what is kept of an upload, who may see it, and what a correction opens."""

from __future__ import annotations

import re
from datetime import timedelta
from io import BytesIO
from typing import Any
from uuid import uuid4

import pikepdf
import pytest
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, transaction
from django.db.utils import DatabaseError
from django.test import Client
from django.test.client import FakePayload
from django.test.utils import CaptureQueriesContext
from PIL import Image

from intake import circumstances, filing, papers, tasks
from intake.filing import Incomplete
from intake.flows import Section
from intake.models import Application, Paper, PaperPage
from register import clock, materials, pdfs, uploads
from register.materials import Facts
from register.models import Kind, Person
from review import casework
from review.models import Case, Dossier, Movement
from tenants import crossing, crypto
from tenants.crossing import Desk
from tenants.errors import Refusal
from tenants.models import AccessRecord, Agency
from tests.cast import APPLICANTS, Cast
from tests.intake.desk import filled, signed_in, words
from tests.intake.files import FILES, refused
from tests.review.desks import at_desk

UPLOAD, BOTH, PAPER = Agency.Materials.UPLOAD, Agency.Materials.BOTH, Agency.Materials.PAPER
NEEDED = ("M01", "M02", "M03", "M04")
# A file that is no small matter, and quickly made.
SCAN = FILES["scan"]()
PDF = FILES["pdf"]()
# Words by which the evil parts of the files would be known again.
EVIL = (b"EVIL", b"JavaScript", b"/Launch", b"/URI", b"/SubmitForm", b"/OpenAction", b"/AA", b"/XFA",
        b"/EmbeddedFile", b"/AcroForm", b"/Annots", b"/Encrypt", b"passwd", b"word/document.xml")  # fmt: skip


# --- Which papers an application needs -------------------------------------------------------------


def facts(kind: Kind, **more: object) -> Facts:
    return Facts(kind=kind, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("known", "codes"),
    [
        (facts(Kind.INITIAL), "M01 M02 M03 M04"),
        (facts(Kind.INITIAL, hours_count=True), "M01 M02 M03 M04 M09"),
        (facts(Kind.INITIAL, other_category=True), "M01 M02 M03 M04 M11"),
        (facts(Kind.CHANGE, changes=frozenset("1")), "M01 M03 M06 M10"),
        (facts(Kind.CHANGE, changes=frozenset("2")), "M01 M10 M11"),
        (facts(Kind.CHANGE, changes=frozenset("3")), "M01 M07 M10"),
        (facts(Kind.CHANGE, changes=frozenset("123")), "M01 M03 M06 M07 M10 M11"),
        (facts(Kind.CHANGE), "M01 M03? M06? M07? M10 M11?"),
        (facts(Kind.RENEWAL, hours_count=True), "M01 M03 M08 M09 M10"),
        (facts(Kind.REREGISTRATION), "M01 M02 M03 M04"),
        (facts(Kind.REREGISTRATION, hours_count=True), "M01 M02 M03 M04 M09"),
        (facts(Kind.INITIAL, guide=True), "M01 M02 M03 M04 M09? M11?"),
        (facts(Kind.REREGISTRATION, guide=True), "M01 M02 M03 M04 M09? M11?"),
    ],
)
def test_the_papers_follow_from_the_kind_and_from_what_it_says(known: Facts, codes: str) -> None:
    found = materials.needed(known)
    assert " ".join(paper.code + ("" if paper.must else "?") for paper in found) == codes
    assert all(paper.checked for paper in found)


@pytest.mark.django_db
def test_a_guide_names_the_condition_of_a_paper() -> None:
    named = [str(paper) for paper in materials.of_kind(Kind.CHANGE)]
    assert "单位更名证明（聘用单位更名的）" in named


# --- What is kept of an upload ---------------------------------------------------------------------


@pytest.mark.parametrize(("name", "code", "message"), refused("paper"))
def test_what_is_no_paper_is_refused_with_the_reason(name: str, code: str, message: str) -> None:
    with pytest.raises(ValidationError) as no:
        uploads.sanitised(FILES[name]())
    assert (no.value.code, no.value.messages) == (code, [message])


PICTURES = [
    "scan",
    "scan_png",
    "scan_of_camera",
    "portrait_turned_6",
    "portrait_and_html",
    "portrait_two_in_one",
]


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_is_written_anew_as_jpeg_without_metadata(name: str) -> None:
    kept = uploads.sanitised(FILES[name]())
    image = Image.open(BytesIO(kept.data))
    assert (kept.content_type, image.format, image.mode) == ("image/jpeg", "JPEG", "RGB")
    assert max(image.size) <= uploads.LONGEST_SIDE
    assert image.height > image.width
    assert dict(image.getexif()) == {}
    assert b"<script>" not in kept.data
    assert (kept.pages, kept.sha256) == ((kept.data,), crypto.sha256_hex(kept.data))


@pytest.mark.parametrize("name", [name for name in FILES if name.startswith("pdf")])
def test_nothing_in_a_kept_pdf_acts_or_leads_elsewhere(name: str) -> None:
    if name in {file for file, _code, _message in refused("paper")}:
        return
    kept = uploads.sanitised(FILES[name]())
    with pikepdf.open(BytesIO(kept.data)) as document:
        assert set(document.Root.keys()) == {"/Type", "/Pages"}
        assert not document.is_encrypted
        assert not document.attachments
        plain = BytesIO()
        document.save(plain, stream_decode_level=pikepdf.StreamDecodeLevel.generalized, qdf=True)
        count = len(document.pages)
    assert [word for word in EVIL if word in plain.getvalue() or word in kept.data] == []
    assert (kept.content_type, len(kept.pages)) == ("application/pdf", count)
    for page in kept.pages:
        image = Image.open(BytesIO(page))
        assert (image.format, max(image.size)) == ("JPEG", pdfs.LONG_SIDE)


def test_what_a_form_shows_stays_to_be_seen() -> None:
    """The typed words are drawn into the page: the corner of the field is not white any more."""
    kept, plain = uploads.sanitised(FILES["pdf_form"]()), uploads.sanitised(PDF)
    corners = [
        Image.open(BytesIO(one.pages[0])).convert("L").crop((80, 1_420, 620, 1_520)) for one in (kept, plain)
    ]
    assert corners[0].tobytes() != corners[1].tobytes()


def test_pages_stand_as_they_were_turned() -> None:
    image = Image.open(BytesIO(uploads.sanitised(FILES["pdf_turned"]()).pages[0]))
    assert image.width > image.height


def test_the_same_pdf_is_kept_as_the_same_bytes() -> None:
    assert uploads.sanitised(PDF).sha256 == uploads.sanitised(PDF).sha256


def test_of_a_large_file_nothing_is_read() -> None:
    class Huge(SimpleUploadedFile):
        def read(self, num_bytes: int | None = None) -> bytes:
            raise AssertionError("read")

    huge = Huge("huge.pdf", b"")
    huge.size = 100 * 1024 * 1024
    with pytest.raises(ValidationError) as no:
        uploads.sanitised(huge)
    assert no.value.code == "too_large"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("合同.pdf", "合同.pdf"),
        ("C:\\fakepath\\合同 1.pdf", "合同 1.pdf"),
        ("../../etc/passwd", "passwd"),
        ("身份证11000019900101003X.jpg", "身份证***.jpg"),
        ("gpj.\u202eexe", "gpj.exe"),
        ("a\r\nb\0.jpg", "ab.jpg"),
        ("长" * 200 + ".jpeg", "长" * 74 + "….jpeg"),
        ("IMG_20261123_101112.jpg", "IMG_20261123_101112.jpg"),
    ],
)
def test_the_name_of_a_file_is_shown_without_tricks_and_numbers(name: str, shown: str) -> None:
    assert papers.name_of(name) == shown


# --- Taking papers into an application -------------------------------------------------------------


def mode(agency: Agency, how: str) -> Agency:
    """The agency, taking its papers in this way."""
    Agency.objects.filter(pk=agency.pk).update(materials_mode=how)
    agency.materials_mode = how
    return agency


def again(person: Person, application: Application) -> Application:
    found = filing.application_of(person, application.pk)
    assert found is not None
    return found


def attached(
    person: Person, draft: Application, code: str, upload: bytes = SCAN, name: str = "a.jpg"
) -> Paper:
    held = again(person, draft)
    about = circumstances.of(held)
    return filing.attach_paper(application=held, code=code, upload=upload, name=name, about=about)


def with_all(cast: Cast, agency: Agency) -> Application:
    """Zhang's draft with every paper; the contract is a PDF."""
    draft = filled(cast.zhang, agency)
    for code in NEEDED:
        attached(cast.zhang, draft, code, PDF if code == "M03" else SCAN)
    return again(cast.zhang, draft)


@pytest.mark.django_db
def test_an_agency_that_takes_files_gets_nothing_without_them(cast: Cast) -> None:
    agency = mode(cast.mohurd, UPLOAD)
    with cast.at_applicants_desk(cast.zhang):
        draft = filled(cast.zhang, agency)
        for code in NEEDED:
            with pytest.raises(Incomplete):
                filing.lodge(application=again(cast.zhang, draft))
            attached(cast.zhang, draft, code)
        filing.lodge(application=again(cast.zhang, draft))
        with crossing.inside(agency):
            dossier = Dossier.objects.get(case_id=draft.pk)
            moved = Movement.objects.get(case_id=draft.pk)
        kept = {paper.code: paper for paper in Paper.objects.filter(application=draft)}
    assert [line["code"] for line in dossier.content["papers"]] == list(NEEDED)
    assert {line["id"] for line in dossier.content["papers"]} == {str(paper.pk) for paper in kept.values()}
    assert moved.detail["papers"] == {code: [kept[code].sha256] for code in NEEDED}


@pytest.mark.django_db
@pytest.mark.parametrize("how", [PAPER, BOTH])
def test_the_others_take_an_application_without_files(cast: Cast, how: str) -> None:
    agency = mode(cast.beijing, how)
    with cast.at_applicants_desk(cast.zhang):
        filing.lodge(application=filled(cast.zhang, agency))


@pytest.mark.django_db
def test_where_papers_are_handed_in_none_is_taken(cast: Cast) -> None:
    with cast.at_applicants_desk(cast.zhang):
        draft = filled(cast.zhang, cast.beijing)
        with pytest.raises(Refusal) as no:
            attached(cast.zhang, draft, "M01")
    assert no.value.code == "on_paper"


@pytest.mark.django_db
def test_the_same_file_twice_is_one_and_one_taken_out_comes_back(cast: Cast) -> None:
    agency = mode(cast.mohurd, BOTH)
    with cast.at_applicants_desk(cast.zhang):
        draft = filled(cast.zhang, agency)
        first = attached(cast.zhang, draft, "M02")
        assert attached(cast.zhang, draft, "M02") == first
        filing.take_out_paper(application=again(cast.zhang, draft), paper=first)
        assert papers.files_of(again(cast.zhang, draft)) == {}
        filing.put_back_paper(application=again(cast.zhang, draft), paper=first)
        filing.put_back_paper(application=again(cast.zhang, draft), paper=first)
        assert papers.files_of(again(cast.zhang, draft)) == {"M02": [first]}
        assert Paper.objects.count() == 1


@pytest.mark.django_db
def test_there_is_an_end_to_the_files_of_one_paper(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(papers, "MOST_FILES", 2)
    monkeypatch.setattr(papers, "MOST_LISTED", 3)
    agency = mode(cast.mohurd, BOTH)
    others = [FILES["portrait"](), FILES["square"](), FILES["landscape"]()]
    with cast.at_applicants_desk(cast.zhang):
        draft = filled(cast.zhang, agency)
        attached(cast.zhang, draft, "M02", others[0])
        attached(cast.zhang, draft, "M02", others[1])
        with pytest.raises(Refusal):
            attached(cast.zhang, draft, "M02", others[2])
        third = attached(cast.zhang, draft, "M03", others[2])
        with pytest.raises(Refusal, match="一份申请最多上传 3 个文件"):
            attached(cast.zhang, draft, "M03", SCAN)
        # What was taken out leaves room for another one.
        filing.take_out_paper(application=again(cast.zhang, draft), paper=third)
        attached(cast.zhang, draft, "M03", SCAN)
        with pytest.raises(Refusal, match="一份申请最多上传 3 个文件"):
            filing.put_back_paper(application=again(cast.zhang, draft), paper=third)


@pytest.mark.django_db
def test_nothing_is_put_back_beyond_the_files_of_one_paper(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(papers, "MOST_FILES", 1)
    agency = mode(cast.mohurd, BOTH)
    with cast.at_applicants_desk(cast.zhang):
        draft = filled(cast.zhang, agency)
        first = attached(cast.zhang, draft, "M02")
        filing.take_out_paper(application=again(cast.zhang, draft), paper=first)
        second = attached(cast.zhang, draft, "M02", FILES["square"]())
        with pytest.raises(Refusal, match="每种材料最多上传 1 个文件"):
            filing.put_back_paper(application=again(cast.zhang, draft), paper=first)
        assert papers.files_of(again(cast.zhang, draft)) == {"M02": [second]}


@pytest.mark.django_db
def test_there_is_an_end_to_what_is_exchanged_in_a_day(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(papers, "MOST_A_DAY", 2)
    agency = mode(cast.mohurd, BOTH)
    with cast.at_applicants_desk(cast.zhang):
        draft = filled(cast.zhang, agency)
        for upload in (SCAN, FILES["square"]()):
            paper = attached(cast.zhang, draft, "M02", upload)
            filing.take_out_paper(application=again(cast.zhang, draft), paper=paper)
        with pytest.raises(Refusal, match="请明天再上传"):
            attached(cast.zhang, draft, "M02", FILES["portrait"]())
        assert attached(cast.zhang, draft, "M02").sha256
    Paper.objects.update(created_at=clock.now() - timedelta(days=1, minutes=1))
    with cast.at_applicants_desk(cast.zhang):
        attached(cast.zhang, draft, "M02", FILES["portrait"]())


@pytest.mark.django_db
def test_what_was_taken_out_of_a_draft_at_rest_is_cleared_away(cast: Cast) -> None:
    agency = mode(cast.mohurd, BOTH)
    now, week = clock.now(), timedelta(days=7, minutes=1)
    drafts = {}
    for person in (cast.zhang, cast.sun):
        with cast.at_applicants_desk(person):
            draft = filled(person, agency)
            kept, fresh, old = (
                attached(person, draft, "M02", upload)
                for upload in (SCAN, FILES["square"](), FILES["landscape"]())
            )
            for paper in (fresh, old):
                filing.take_out_paper(application=again(person, draft), paper=paper)
        Paper.objects.filter(pk__in=[kept.pk, old.pk]).update(created_at=now - week)
        drafts[person.pk] = (draft, kept, fresh, old)
    # Sun is working on the draft: what was taken out today may still be put back.
    Application.objects.filter(person=cast.zhang).update(saved_at=now - timedelta(days=2))
    with crossing.standing(Desk.CLERK):
        assert tasks.clear_papers() == 1
    (_draft, kept, fresh, _old), of_sun = drafts[cast.zhang.pk], drafts[cast.sun.pk]
    left = {kept.pk, fresh.pk, *(paper.pk for paper in of_sun[1:])}
    assert set(Paper.objects.values_list("pk", flat=True)) == left


@pytest.mark.django_db
def test_a_signed_form_of_other_content_is_to_be_signed_again(cast: Cast) -> None:
    agency = mode(cast.mohurd, UPLOAD)
    with cast.at_applicants_desk(cast.zhang):
        draft = with_all(cast, agency)
        filing.save_step(application=draft, section=Section.EMPLOYER, data={"address": "示例路2号"})
        with pytest.raises(Incomplete):
            filing.lodge(application=again(cast.zhang, draft))
        old = papers.files_of(again(cast.zhang, draft))["M01"][0]
        filing.take_out_paper(application=again(cast.zhang, draft), paper=old)
        attached(cast.zhang, draft, "M01", FILES["portrait"]())
        filing.lodge(application=again(cast.zhang, draft))


@pytest.mark.django_db
def test_a_kept_paper_can_be_neither_changed_nor_deleted_at_the_applicants_desk(cast: Cast) -> None:
    agency = mode(cast.mohurd, UPLOAD)
    with cast.at_applicants_desk(cast.zhang):
        draft = with_all(cast, agency)
        filing.lodge(application=draft)
        for change in (
            lambda: Paper.objects.filter(application=draft).update(data=b"other"),
            lambda: Paper.objects.filter(application=draft).delete(),
            lambda: PaperPage.objects.all().delete(),
        ):
            with pytest.raises(DatabaseError), transaction.atomic():
                change()
        paper = papers.files_of(again(cast.zhang, draft))["M02"][0]
        for act in (filing.take_out_paper, filing.put_back_paper):
            with pytest.raises(Refusal):
                act(application=again(cast.zhang, draft), paper=paper)
        with pytest.raises(Refusal):
            attached(cast.zhang, draft, "M02", FILES["portrait"]())


@pytest.mark.django_db
def test_what_nobody_uses_any_more_is_cleared_away(cast: Cast) -> None:
    agency = mode(cast.mohurd, UPLOAD)
    with cast.at_applicants_desk(cast.zhang):
        draft = with_all(cast, agency)
        wrong = attached(cast.zhang, draft, "M03", FILES["pdf_turned"]())
        filing.take_out_paper(application=again(cast.zhang, draft), paper=wrong)
        filing.lodge(application=again(cast.zhang, draft))
    with cast.at_applicants_desk(cast.sun):
        given_up = filled(cast.sun, agency)
        attached(cast.sun, given_up, "M02")
        filing.discard(application=given_up)
    with crossing.standing(Desk.CLERK):
        assert tasks.clear_papers() == 2
        assert tasks.clear_papers() == 0
        left = Paper.objects.all()
        assert sorted(left.values_list("code", flat=True)) == list(NEEDED)
        assert set(PaperPage.objects.values_list("paper__code", flat=True)) == {"M03"}


@pytest.mark.django_db
def test_an_idle_draft_goes_with_its_papers(cast: Cast) -> None:
    agency = mode(cast.mohurd, UPLOAD)
    with cast.at_applicants_desk(cast.zhang):
        with_all(cast, agency)
    with crossing.standing(Desk.CLERK):
        assert filing.retire(before=clock.now() + timedelta(seconds=1)) == 1
        assert (Paper.objects.count(), PaperPage.objects.count()) == (0, 0)


@pytest.mark.django_db
def test_a_signed_form_gives_way_to_the_new_one_even_where_there_is_room_for_one(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(papers, "MOST_FILES", 1)
    agency = mode(cast.mohurd, UPLOAD)
    with cast.at_applicants_desk(cast.zhang):
        draft = filled(cast.zhang, agency)
        attached(cast.zhang, draft, "M01")
        changed = {"name": "另一家示例公司"}
        filing.save_step(application=again(cast.zhang, draft), section=Section.EMPLOYER, data=changed)
        newer = attached(cast.zhang, draft, "M01", FILES["square"]())
        assert papers.files_of(again(cast.zhang, draft)) == {"M01": [newer]}


# --- Corrections -----------------------------------------------------------------------------------


def sent_back(cast: Cast, agency: Agency, items: list[dict[str, str]]) -> Application:
    """Zhang's application with all papers, lodged and sent back by the reviewer of that agency."""
    with cast.at_applicants_desk(cast.zhang):
        draft = with_all(cast, agency)
        filing.lodge(application=draft)
    with crossing.standing(Desk.AGENCY, agency):
        case = Case.objects.get(pk=draft.pk)
        casework.take_up(case=case, by=cast.actor("he"))
        casework.send_back(case=case, by=cast.actor("he"), items=items)
    return draft


CONTRACT = [{"item": "papers.M03", "code": "R04", "text": "缺签章页"}]


@pytest.mark.django_db
def test_a_correction_that_names_a_paper_lets_it_be_replaced_and_the_old_one_stays(cast: Cast) -> None:
    agency = mode(cast.mohurd, UPLOAD)
    draft = sent_back(cast, agency, CONTRACT)
    with cast.at_applicants_desk(cast.zhang):
        held = again(cast.zhang, draft)
        with pytest.raises(Refusal):
            attached(cast.zhang, held, "M02", FILES["portrait"]())
        with pytest.raises(Refusal) as no:
            filing.resubmit(application=held)
        assert no.value.code == "unanswered"
        old = papers.files_of(held)["M03"][0]
        filing.take_out_paper(application=held, paper=old)
        new = attached(cast.zhang, held, "M03", FILES["pdf_turned"](), "新合同.pdf")
        filing.resubmit(application=again(cast.zhang, held))
        with crossing.inside(agency):
            first, second = Dossier.objects.filter(case_id=draft.pk).order_by("version")
            moved = Movement.objects.filter(case_id=draft.pk).latest("number")
    ids = [[line["id"] for line in one.content["papers"] if line["code"] == "M03"] for one in (first, second)]
    assert ids == [[str(old.pk)], [str(new.pk)]]
    assert first.digest == second.digest
    assert moved.detail["papers"]["M03"] == [new.sha256]
    with crossing.standing(Desk.CLERK):
        assert tasks.clear_papers() == 0
    reviewer = at_desk(cast, "he")
    for paper in (old, new):
        assert reviewer.get(f"/cases/{draft.pk}/papers/{paper.pk}/pages/1/").status_code == 200


@pytest.mark.django_db
def test_a_correction_of_the_form_opens_the_signed_form_too(cast: Cast) -> None:
    agency = mode(cast.mohurd, UPLOAD)
    draft = sent_back(cast, agency, [{"item": "employer.address", "code": "R08", "text": "地址有误"}])
    with cast.at_applicants_desk(cast.zhang):
        held = again(cast.zhang, draft)
        attached(cast.zhang, held, "M01", FILES["portrait"]())
        with pytest.raises(Refusal):
            attached(cast.zhang, held, "M03", FILES["portrait"]())


# --- Who may see a paper ---------------------------------------------------------------------------


def bytes_of(client: Client, path: str) -> int:
    return int(client.get(path).status_code)


def addresses(paper: Paper, case: str = "") -> list[str]:
    start = f"{case}/papers/{paper.pk}/"
    return [start, f"{start}pages/1/", f"{start}thumbnail/"]


@pytest.mark.django_db
def test_a_paper_is_its_applicants_own(cast: Cast) -> None:
    agency = mode(cast.mohurd, UPLOAD)
    with cast.at_applicants_desk(cast.zhang):
        paper = attached(cast.zhang, filled(cast.zhang, agency), "M03", PDF)
    with cast.at_applicants_desk(cast.sun):
        filled(cast.sun, agency)
        assert Paper.objects.count() == 0
        assert PaperPage.objects.count() == 0
    mine = signed_in(cast.zhang, APPLICANTS["zhang"].number)
    other = signed_in(cast.sun, APPLICANTS["sun"].number)
    for address in addresses(paper):
        assert [bytes_of(mine, address), bytes_of(other, address)] == [200, 404]
        assert Client(HTTP_HOST="localhost").get(address).status_code == 302
        assert mine.get(address.replace(str(paper.pk), str(uuid4()))).status_code == 404
    for noun in ("removal", "return"):
        assert other.post(f"/papers/{paper.pk}/{noun}/").status_code == 404
    assert mine.get(f"/papers/{paper.pk}/pages/2/").status_code == 404
    assert mine.get(f"/papers/{paper.pk}/pages/0/").status_code == 404


@pytest.mark.django_db
def test_a_paper_is_served_so_that_nothing_in_it_can_act(cast: Cast) -> None:
    agency = mode(cast.mohurd, UPLOAD)
    with cast.at_applicants_desk(cast.zhang):
        draft = filled(cast.zhang, agency)
        file, picture = attached(cast.zhang, draft, "M03", PDF), attached(cast.zhang, draft, "M02", SCAN)
    name = draft.reference
    mine = signed_in(cast.zhang, APPLICANTS["zhang"].number)
    for address, kind, how in (
        (f"/papers/{file.pk}/", "application/pdf", f'attachment; filename="{name}-M03.pdf"'),
        (f"/papers/{file.pk}/pages/1/", "image/jpeg", f'inline; filename="{name}-M03-1.jpg"'),
        (f"/papers/{picture.pk}/", "image/jpeg", f'inline; filename="{name}-M02.jpg"'),
        (
            f"/papers/{picture.pk}/thumbnail/",
            "image/jpeg",
            f'inline; filename="{name}-M02-small.jpg"',
        ),
    ):
        answer = mine.get(address)
        assert (answer["Content-Type"], answer["Content-Disposition"]) == (kind, how)
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert "sandbox" in answer["Content-Security-Policy"]
        assert "default-src 'none'" in answer["Content-Security-Policy"]
        assert "no-store" in answer["Cache-Control"]


@pytest.mark.django_db
def test_a_paper_is_seen_by_the_officers_who_may_see_numbers_and_the_look_is_recorded(cast: Cast) -> None:
    agency = mode(cast.mohurd, UPLOAD)
    with cast.at_applicants_desk(cast.zhang):
        draft = with_all(cast, agency)
        stray = attached(cast.zhang, draft, "M99", FILES["portrait"]())
        filing.take_out_paper(application=again(cast.zhang, draft), paper=stray)
        filing.lodge(application=again(cast.zhang, draft))
        paper = papers.files_of(again(cast.zhang, draft))["M03"][0]
    here = addresses(paper, f"/cases/{draft.pk}")
    he, li, lin = at_desk(cast, "he"), at_desk(cast, "li"), at_desk(cast, "lin")
    assert [bytes_of(he, one) for one in here] == [404, 404, 404]
    assert "领取本案后可以查看" in he.page(f"/cases/{draft.pk}/")
    he.act(draft.pk, "holding")
    assert [bytes_of(he, one) for one in here] == [200, 200, 200]
    assert [bytes_of(lin, one) for one in here] == [200, 200, 200]
    assert [bytes_of(li, one) for one in here] == [404, 404, 404]
    assert [bytes_of(at_desk(cast, "chen"), one) for one in here] == [404, 404, 404]
    page = he.get(f"/cases/{draft.pk}/").content.decode()
    assert f"/cases/{draft.pk}/papers/{paper.pk}/pages/1/" in page
    assert paper.sha256 in page
    # What was taken out before lodging is nobody's business; nor is a paper reached through another case.
    assert bytes_of(he, f"/cases/{draft.pk}/papers/{stray.pk}/") == 404
    assert bytes_of(he, f"/cases/{uuid4()}/papers/{paper.pk}/") == 404
    looks = AccessRecord.objects.values_list("user__username", "person_id", "reason")
    assert sorted(looks) == [
        ("he.mohurd", cast.zhang.pk, "查看材料：劳动合同或聘用文件"),
        ("lin.mohurd", cast.zhang.pk, "查看材料：劳动合同或聘用文件"),
    ]


@pytest.fixture
def contract(cast: Cast) -> tuple[Paper, str]:
    """The contract of Zhang's lodged application, a PDF, and the address of its case's papers."""
    agency = mode(cast.mohurd, UPLOAD)
    with cast.at_applicants_desk(cast.zhang):
        draft = with_all(cast, agency)
        filing.lodge(application=draft)
        paper = papers.files_of(again(cast.zhang, draft))["M03"][0]
    return paper, f"/cases/{draft.pk}/papers/{paper.pk}/"


@pytest.mark.django_db
def test_a_page_reads_its_own_picture_and_no_other_bytes(cast: Cast, contract: tuple[Paper, str]) -> None:
    _paper, address = contract
    lin = at_desk(cast, "lin")
    asked = {}
    for name, path in (("page", f"{address}pages/1/"), ("small", f"{address}thumbnail/"), ("whole", address)):
        with CaptureQueriesContext(connection) as queries:
            assert bytes_of(lin, path) == 200
        sql = "".join(query["sql"] for query in queries).replace('"', "")
        asked[name] = sorted(set(re.findall(r"intake_paper(?:page)?\.(?:data|thumbnail)", sql)))
    assert asked == {
        "page": ["intake_paperpage.data"],
        "small": ["intake_paper.thumbnail"],
        "whole": ["intake_paper.data"],
    }


@pytest.mark.django_db
def test_a_look_is_recorded_in_chinese_whatever_the_officer_reads(
    cast: Cast, contract: tuple[Paper, str]
) -> None:
    _paper, address = contract
    lin = at_desk(cast, "lin")
    lin.cookies["django_language"] = "en"
    assert bytes_of(lin, f"{address}pages/1/") == 200
    assert bytes_of(at_desk(cast, "lin"), address) == 200
    assert list(AccessRecord.objects.values_list("reason", flat=True)) == ["查看材料：劳动合同或聘用文件"]


@pytest.mark.django_db
def test_the_walls_keep_papers_from_other_agencies(cast: Cast) -> None:
    agency = mode(cast.mohurd, UPLOAD)
    with cast.at_applicants_desk(cast.zhang):
        draft = with_all(cast, agency)
        filing.lodge(application=draft)
    counts = []
    for other in (agency, cast.beijing, cast.sinopec):
        with crossing.standing(Desk.AGENCY, other):
            counts.append((Paper.objects.count(), PaperPage.objects.count()))
    with (
        crossing.standing(Desk.AGENCY, agency),
        pytest.raises(DatabaseError),
        transaction.atomic(),
    ):
        Paper.objects.all().delete()
    assert counts == [(4, 1), (0, 0), (0, 0)]


@pytest.mark.django_db
def test_the_authority_sees_the_papers_of_a_case_in_hand(cast: Cast) -> None:
    agency = mode(cast.mohurd, UPLOAD)
    with cast.at_applicants_desk(cast.zhang):
        draft = with_all(cast, agency)
        filing.lodge(application=draft)
        paper = papers.files_of(again(cast.zhang, draft))["M03"][0]
    zhao, qian = at_desk(cast, "zhao"), at_desk(cast, "qian")
    here = addresses(paper, f"/cases/{draft.pk}")
    assert [bytes_of(zhao, one) for one in here] == [404, 404, 404]
    assert [bytes_of(qian, one) for one in here] == [200, 200, 200]


# --- Pages -----------------------------------------------------------------------------------------


def upload(client: Client, draft: Application, code: str, *files: tuple[str, bytes], **more: str) -> Any:
    sent = [SimpleUploadedFile(name, data) for name, data in files]
    return client.post(
        f"/applications/{draft.pk}/papers/", {"code": code, "files": sent, **more}, follow=True
    )


@pytest.fixture
def draft(cast: Cast) -> Application:
    """Zhang's draft, complete but for its papers, for an agency that takes files."""
    agency = mode(cast.mohurd, UPLOAD)
    with cast.at_applicants_desk(cast.zhang):
        return filled(cast.zhang, agency)


@pytest.fixture
def client(cast: Cast) -> Client:
    return signed_in(cast.zhang, APPLICANTS["zhang"].number)


def test_files_are_uploaded_by_hand_each_with_its_word(client: Client, draft: Application) -> None:
    answer = upload(client, draft, "M03", ("合同.pdf", PDF), ("x.exe", FILES["program"]()), ("空.jpg", b""))
    text = words(answer.content)
    assert "已上传 1 个文件：劳动合同或聘用文件。" in text
    assert "x.exe：只能上传 JPG、PNG 图片或者 PDF 文件。请转换格式后上传。" in text
    assert "空.jpg：这个文件是空的。请重新选择文件。" in text
    assert answer.redirect_chain[-1][0] == f"/applications/{draft.pk}/papers/#paper-M03"


def test_a_page_that_uploads_by_itself_is_answered_shortly(client: Client, draft: Application) -> None:
    def send(name: str, data: bytes) -> tuple[int, object]:
        answer = client.post(
            f"/applications/{draft.pk}/papers/",
            {"code": "M03", "files": [SimpleUploadedFile(name, data)]},
            headers={"accept": "application/json"},
        )
        return answer.status_code, answer.json()

    assert send("合同.pdf", PDF) == (200, {"faults": []})
    assert send("x.gif", FILES["gif"]()) == (
        422,
        {"faults": ["x.gif：只能上传 JPG、PNG 图片或者 PDF 文件。请转换格式后上传。"]},
    )


def test_the_preview_says_what_is_missing_and_takes_the_files(client: Client, draft: Application) -> None:
    preview = f"/applications/{draft.pk}/steps/preview/"
    text = words(client.get(preview).content)
    assert "请上传劳动合同或聘用文件。" in text
    assert "须显示单位名称、岗位、期限、签订日期及双方签章页" in text
    assert "每个文件不超过 5 MB、20 页" in text
    for code in NEEDED:
        answer = upload(client, draft, code, ("a.jpg", SCAN), back="preview")
        assert answer.redirect_chain[-1][0] == f"{preview}#paper-{code}"
    assert "请上传" not in words(client.get(preview).content)
    answer = client.post(preview, {"declaration-delivery": "1", "declaration-agreed": "on"}, follow=True)
    assert answer.redirect_chain[-1][0] == f"/applications/{draft.pk}/receipt/"
    lodged = client.get(f"/applications/{draft.pk}/papers/").content.decode()
    assert "这些材料已随申请上报，不能修改。" in lodged
    assert 'type="file"' not in lodged


def test_one_taken_out_can_be_put_back(client: Client, draft: Application) -> None:
    upload(client, draft, "M02", ("证书.jpg", SCAN))
    page = client.get(f"/applications/{draft.pk}/papers/").content.decode()
    key = re.findall(r"/papers/([0-9a-f-]{36})/removal/", page)[0]
    text = words(client.post(f"/papers/{key}/removal/", follow=True).content)
    assert "已删除证书.jpg；需要时可以恢复。" in text
    assert "已删除 1 个文件，可以恢复" in text
    text = words(client.post(f"/papers/{key}/return/", follow=True).content)
    assert "已恢复证书.jpg。" in text


def test_an_agency_that_takes_paper_says_where_to_bring_it(cast: Cast, client: Client) -> None:
    with cast.at_applicants_desk(cast.zhang):
        draft = filled(cast.zhang, cast.beijing)
    for page in ("papers/", "steps/preview/"):
        text = words(client.get(f"/applications/{draft.pk}/{page}").content)
        assert "注册机构收取纸质材料，不需要上传。" in text
        assert cast.beijing.name_zh in text
    answer = upload(client, draft, "M01", ("a.jpg", SCAN))
    assert "您选择的注册机构收取纸质材料，不需要上传。" in words(answer.content)


def test_a_correction_opens_its_papers_on_the_page(cast: Cast, client: Client) -> None:
    agency = mode(cast.mohurd, UPLOAD)
    draft = sent_back(cast, agency, CONTRACT)
    listed = client.get(f"/applications/{draft.pk}/correction/").content.decode()
    assert f"/applications/{draft.pk}/papers/#paper-M03" in listed
    page = client.get(f"/applications/{draft.pk}/papers/").content.decode()
    assert re.findall(r'id="files-(M\d\d)"', page) == ["M03"]


def test_odd_requests_find_an_answer(client: Client, draft: Application) -> None:
    path = f"/applications/{draft.pk}/papers/"
    odd: list[dict[str, Any]] = [
        {},
        {"code": "M03"},
        {"code": "M03", "files": "no file"},
        {"code": "</h1>", "files": [SimpleUploadedFile("a.jpg", SCAN)]},
        {"code": "M05", "files": [SimpleUploadedFile("a.jpg", SCAN)]},
    ]
    assert [client.post(path, data).status_code for data in odd] == [302] * len(odd)
    assert Paper.objects.count() == 0
    assert client.get(f"/applications/{uuid4()}/papers/").status_code == 404
    assert client.put(path).status_code == 405
    many = [SimpleUploadedFile(f"{n}.jpg", b"x") for n in range(25)]
    assert client.post(path, {"code": "M03", "files": many}).status_code == 400


def test_a_huge_request_is_turned_away_unread(client: Client, draft: Application) -> None:
    path = f"/applications/{draft.pk}/papers/"

    class Never(FakePayload):
        def read(self, *_size: int) -> bytes:
            raise AssertionError("read")

    said: Any = {"CONTENT_LENGTH": str(100 * 1024 * 1024), "wsgi.input": Never()}
    answer = client.generic("POST", path, b"", **said)
    assert answer.status_code == 413
    assert "一次提交的文件合计超过 32 MB" in words(answer.content)


def test_no_bad_file_breaks_a_page_or_loses_anything(cast: Cast, client: Client, draft: Application) -> None:
    upload(client, draft, "M02", ("证书.jpg", SCAN))
    slow = {"pdf_flate_bomb", "pdf_billion_laughs"}
    for name, _code, message in refused("paper"):
        if name not in slow:
            answer = upload(client, draft, "M03", (f"{name}.pdf", FILES[name]()))
            assert f"{name}.pdf：{message}" in words(answer.content), name
    page = f"/applications/{draft.pk}/steps/personal/"
    before = again_outside(cast, draft)
    for name, _code, message in refused("photo"):
        sent = {"photo-file": SimpleUploadedFile(f"{name}.jpg", FILES[name]()), "go": "next"}
        answer = client.post(page, sent)
        assert (answer.status_code, message in words(answer.content)) == (200, True), name
    after = again_outside(cast, draft)
    assert (after.photo_id, after.sections["papers"]) == (before.photo_id, before.sections["papers"])
    assert Paper.objects.count() == 1


def again_outside(cast: Cast, draft: Application) -> Application:
    with cast.at_applicants_desk(cast.zhang):
        return again(cast.zhang, draft)


def test_papers_cost_no_query_where_none_are_uploaded(cast: Cast) -> None:
    with cast.at_applicants_desk(cast.zhang):
        draft = filled(cast.zhang, cast.beijing)
        about = circumstances.of(draft)
        papers.part_of(draft, about)
        before = len(connection.queries_log)
        papers.part_of(draft, about)
        assert papers.lines_of(draft) == []
        assert len(connection.queries_log) == before
