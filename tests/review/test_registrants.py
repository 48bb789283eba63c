"""The register's desk as a browser sees it: who gets in, what is found, what each act says."""

from __future__ import annotations

import re
from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image

from register import appeals, clock
from register.appeals import Proof
from register.models import (
    Appeal,
    AppealProof,
    Person,
    PersonChange,
    Qualification,
    Registration,
    Restriction,
)
from review.documents import letters
from review.models import Case
from review.states import State
from review.views.authority import appeals as appeals_page
from tenants import crossing
from tenants.crossing import Desk
from tenants.crypto import sha256_hex
from tenants.models import AccessRecord, User
from tests import casefiles, factories
from tests.cast import APPLICANTS, Cast
from tests.review.desks import at_desk, case_now, host_of, words

pytestmark = pytest.mark.django_db

NUMBER = APPLICANTS["zhang"].number


def picture() -> bytes:
    image = Image.effect_noise((700, 900), 90).convert("RGB")
    out = BytesIO()
    image.save(out, "JPEG")
    return out.getvalue()


SCAN = picture()


def proof() -> SimpleUploadedFile:
    return SimpleUploadedFile("证明.jpg", SCAN, content_type="image/jpeg")


def page_of(person: Person, *more: str) -> str:
    return "/".join(("/registrants", str(person.pk), *more, ""))


# --- Who gets in -------------------------------------------------------------------------------------

READ = ("", "registrations/00000000-0000-4000-8000-000000000000/decision.pdf")
ACTS = ("name/", "document/", "merger/", "restrictions/new/", "endings/cancelled/")


def test_readers_of_the_register(cast: Cast) -> None:
    for name in ("zhou", "zhao", "qian", "wei"):
        client = at_desk(cast, name)
        paths = ("/registrants/", page_of(cast.zhang), "/appeals/")
        found = [client.get(path).status_code for path in paths]
        assert found == [200, 200, 200 if name in {"zhou", "wei"} else 404], name
        seen = [client.get(f"{page_of(cast.zhang)}{act}").status_code for act in ACTS[:4]]
        assert seen == ([200] * 4 if name == "zhou" else [404] * 4), name


def test_strangers_see_nothing_of_the_register(cast: Cast) -> None:
    feng, li = at_desk(cast, "feng"), at_desk(cast, "li")
    for path in ("/registrants/", page_of(cast.zhang), f"{page_of(cast.zhang)}name/", "/appeals/"):
        assert feng.get(path).status_code == 404
        assert li.get(path).status_code == 404
        assert Client(HTTP_HOST=host_of("authority")).get(path).status_code == 302
    assert at_desk(cast, "wei").post(f"{page_of(cast.zhang)}document-number/", {}).status_code == 404


# --- Searching ---------------------------------------------------------------------------------------


def test_a_name_is_found_by_a_part_and_pages_run_on(cast: Cast) -> None:
    rare = factories.person("欧阳㐂")
    accounts = User.objects.bulk_create(User(username=f"p-{n}", kind="applicant") for n in range(33))
    Person.objects.bulk_create(
        Person(
            user=account,
            name=f"钱测{'甲乙丙'[n % 3]}",
            document_type="01",
            document_mask="110000********0000",
            document_digest=sha256_hex(str(n).encode()),
            document_cipher=b"sealed",
        )
        for n, account in enumerate(accounts)
    )
    zhou = at_desk(cast, "zhou")
    answer = zhou.post("/registrants/search/", {"q": "阳㐂"}, follow=True)
    assert f"/registrants/{rare.pk}/" in answer.content.decode()
    first = zhou.get("/registrants/", {"q": "钱测"}).content.decode()
    keys = re.findall(r'href="/registrants/([0-9a-f-]{36})/"', first)
    ahead = re.search(r'rel="next"\s+href="([^"]+)"', first)
    assert ahead is not None
    second = zhou.get(ahead[1].replace("&amp;", "&")).content.decode()
    rest = re.findall(r'href="/registrants/([0-9a-f-]{36})/"', second)
    assert (len(keys), len(rest), len({*keys, *rest})) == (30, 3, 33)
    assert str(cast.zhang.pk) not in {*keys, *rest}
    back = re.search(r'rel="prev"\s+href="([^"]+)"', second)
    assert back is not None
    again = zhou.get(back[1].replace("&amp;", "&")).content.decode()
    assert re.findall(r'href="/registrants/([0-9a-f-]{36})/"', again) == keys
    assert "没有找到" in zhou.page("/registrants/?q=无此人")


def test_numbers_lead_to_the_person_and_stand_in_no_address(cast: Cast) -> None:
    row = factories.registration(cast.zhang, cast.beijing)
    zhou = at_desk(cast, "zhou")
    for asked in (NUMBER, NUMBER.lower(), row.number, "CS00000101", f" {NUMBER[:6]} {NUMBER[6:]}"):
        answer = zhou.post("/registrants/search/", {"q": asked})
        assert (answer.status_code, answer["Location"]) == (302, page_of(cast.zhang))
    unknown = factories.id_number(serial=444)
    answer = zhou.post("/registrants/search/", {"q": unknown})
    assert (answer.status_code, unknown in answer.content.decode()) == (422, False)
    assert zhou.get(f"/registrants/?q={NUMBER}")["Location"] == "/registrants/"


# --- The person --------------------------------------------------------------------------------------


def test_the_whole_history_stands_on_one_page(cast: Cast) -> None:
    today = clock.today()
    factories.registration(cast.zhang, cast.beijing, valid_from=clock.add_years(today, -5))
    now = factories.registration(cast.zhang, cast.beijing)
    factories.registration(cast.sun, cast.mohurd, employer_name="不应出现的单位")
    line = factories.docket_line(cast.zhang, cast.beijing, state="issued", open=False)
    zhou = at_desk(cast, "zhou")
    seen = zhou.page(page_of(cast.zhang))
    for word in ("张测", now.number, "注册有效", line.reference, "CS00000101", cast.zhang.document_mask):
        assert word in seen
    assert NUMBER not in zhou.get(page_of(cast.zhang)).content.decode()
    assert "不应出现的单位" not in seen
    assert zhou.get(page_of(cast.zhang))["Cache-Control"] == "private, no-store"


def test_the_person_page_stays_within_its_queries(cast: Cast, django_assert_max_num_queries: Any) -> None:
    for _n in range(3):
        factories.docket_line(cast.zhang, cast.beijing, state="issued", open=False)
    client = at_desk(cast, "wei")
    client.get(page_of(cast.zhang))
    with django_assert_max_num_queries(25):
        client.get(page_of(cast.zhang))


def test_the_full_number_is_shown_once_with_a_reason_and_recorded(cast: Cast) -> None:
    zhou = at_desk(cast, "zhou")
    path = f"{page_of(cast.zhang)}document-number/"
    assert NUMBER not in zhou.post(path, {"reason": ""}).content.decode()
    assert AccessRecord.objects.count() == 0
    assert NUMBER in zhou.post(path, {"reason": "核对更正材料"}).content.decode()
    (look,) = AccessRecord.objects.all()
    assert (look.user, look.person_id, look.reason) == (cast.user("zhou"), cast.zhang.pk, "核对更正材料")
    assert "核对更正材料" in zhou.page(page_of(cast.zhang))
    assert NUMBER not in zhou.page(page_of(cast.zhang))


def test_nobody_handles_the_own_entry(cast: Cast) -> None:
    user = cast.user("zhou")
    user.document_digest = cast.zhang.document_digest
    user.save(update_fields=["document_digest"])
    zhou = at_desk(cast, "zhou")
    for act in ACTS:
        assert zhou.get(f"{page_of(cast.zhang)}{act}").status_code == 404
    assert (
        NUMBER not in zhou.post(f"{page_of(cast.zhang)}document-number/", {"reason": "看看"}).content.decode()
    )


# --- Corrections -------------------------------------------------------------------------------------


def test_a_name_is_corrected_with_proof_and_what_was_typed_stays(cast: Cast) -> None:
    zhou = at_desk(cast, "zhou")
    path = f"{page_of(cast.zhang)}name/"
    answer = zhou.post(path, {"name": "张㐂", "reason": "身份证用字"})
    assert (answer.status_code, "请上传证明材料" in words(answer)) == (422, True)
    assert 'value="张㐂"' in answer.content.decode()
    answer = zhou.post(
        path, {"name": "张㐂", "reason": "身份证用字", "proof": SimpleUploadedFile("a.jpg", b"MZ evil")}
    )
    assert answer.status_code == 422
    done = zhou.post(path, {"name": "张㐂", "reason": "身份证用字", "proof": proof()}, follow=True)
    assert "姓名已更正" in words(done)
    change = PersonChange.objects.get()
    shown = zhou.get(f"{page_of(cast.zhang)}changes/{change.pk}/proof/")
    assert (shown["Content-Type"], shown["X-Content-Type-Options"]) == ("image/jpeg", "nosniff")
    assert "sandbox" in shown["Content-Security-Policy"]
    assert zhou.get(f"{page_of(cast.sun)}changes/{change.pk}/proof/").status_code == 404
    again = zhou.post(path, {"name": "张㐂", "reason": "身份证用字", "proof": proof()})
    assert (again.status_code, PersonChange.objects.count()) == (422, 1)


def test_a_number_is_typed_twice(cast: Cast) -> None:
    new = factories.id_number(serial=310)
    zhou = at_desk(cast, "zhou")
    path = f"{page_of(cast.zhang)}document/"
    told = {"because": "exchanged", "document_type": "01", "number": new, "reason": "换领新证"}
    answer = zhou.post(path, {**told, "again": NUMBER, "proof": proof()})
    assert (answer.status_code, "两次填写的证件号码不一致" in words(answer)) == (422, True)
    done = zhou.post(path, {**told, "again": new, "proof": proof()}, follow=True)
    assert "证件号码已更正" in words(done)
    for asked in (new, NUMBER):
        assert zhou.post("/registrants/search/", {"q": asked})["Location"] == page_of(cast.zhang)
    wrong = {**told, "number": NUMBER, "again": NUMBER}
    assert zhou.post(path, {**wrong, "because": "", "proof": proof()}).status_code == 422
    done = zhou.post(path, {**wrong, "because": "mistaken", "proof": proof()}, follow=True)
    assert "被更正的号码不再保留" in words(done)
    assert zhou.post("/registrants/search/", {"q": new}).status_code == 422


def test_two_records_are_merged_after_a_preview(cast: Cast) -> None:
    factories.registration(cast.sun, cast.mohurd)
    zhou = at_desk(cast, "zhou")
    found = zhou.post(f"{page_of(cast.zhang)}merger/", {"other": APPLICANTS["sun"].number})
    assert found["Location"] == f"{page_of(cast.zhang)}merger/{cast.sun.pk}/"
    assert "合并后的注册期" in zhou.page(found["Location"])
    told = {"keep": str(cast.sun.pk), "reason": "同一人"}
    assert zhou.post(found["Location"], {**told, "proof": proof()}).status_code == 422
    done = zhou.post(found["Location"], {**told, "proof": proof(), "sure": "on"}, follow=True)
    assert "两条记录已合并" in words(done)
    assert Person.objects.get(pk=cast.zhang.pk).merged_into_id == cast.sun.pk
    assert zhou.get(page_of(cast.zhang))["Location"] == page_of(cast.sun)
    assert zhou.post(found["Location"], {**told, "proof": proof(), "sure": "on"}).status_code == 404


def test_the_closed_account_says_so_at_sign_in(cast: Cast) -> None:
    from django.contrib.auth.hashers import make_password

    User.objects.filter(pk=cast.zhang.user_id).update(password=make_password("Old-pass-99x"))
    User.objects.filter(pk=cast.sun.user_id).update(password=make_password("Kept-pass-99x"))
    Person.objects.filter(pk=cast.zhang.pk).update(merged_into=cast.sun)
    User.objects.filter(pk=cast.zhang.user_id).update(is_active=False)
    from intake import signin
    from tenants.errors import Refusal

    request: Any = Client(HTTP_HOST="localhost").get("/").wsgi_request
    request.desk = "applicant"
    with crossing.standing(Desk.APPLICANT):
        with pytest.raises(Refusal) as no:
            signin.sign_in(request, document_type="01", number=NUMBER, password="Old-pass-99x")
        assert no.value.code == "merged"
        assert not signin.sign_in(request, document_type="01", number=NUMBER, password="Wrong-pass-1")


# --- Endings and restrictions ------------------------------------------------------------------------


def test_a_registration_is_revoked_from_the_page_with_its_case(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    # How a letter is printed is seen in `test_printing`.
    monkeypatch.setattr(letters, "render_pdf", lambda html: b"%PDF-" + html.encode())
    row = factories.registration(cast.zhang, cast.beijing)
    with cast.at_applicants_desk(cast.zhang), crossing.inside(cast.beijing):
        case: Case = casefiles.lodge(cast.zhang, cast.beijing, kind="change")
    zhou = at_desk(cast, "zhou")
    path = f"{page_of(cast.zhang)}endings/revoked/"
    asked = zhou.page(path)
    assert row.number in asked
    assert case.reference in asked
    told = {"ground": "cheating", "text": "学历证明系伪造。"}
    assert zhou.post(path, told).status_code == 422
    assert Registration.objects.get(pk=row.pk).ended_how == ""
    done = zhou.post(path, {**told, "sure": "on"}, follow=True)
    assert "已办理，决定书已生成" in words(done)
    assert "不得再次申请注册" in words(done)
    assert case_now(cast.beijing, case.pk).state == State.TERMINATED
    again = zhou.post(path, {**told, "sure": "on"}, follow=True)
    assert "没有有效的注册" in words(again)
    letter = zhou.get(f"{page_of(cast.zhang)}registrations/{row.pk}/decision.pdf")
    assert (letter["Content-Type"], letter.content[:5]) == ("application/pdf", b"%PDF-")
    assert zhou.get(f"{page_of(cast.sun)}registrations/{row.pk}/decision.pdf").status_code == 404


def test_a_restriction_is_entered_and_lifted_from_the_page(cast: Cast) -> None:
    zhou = at_desk(cast, "zhou")
    path = f"{page_of(cast.zhang)}restrictions/new/"
    assert zhou.post(path, {"ground": "other", "reason": "法院裁定"}).status_code == 422
    done = zhou.post(path, {"ground": "false", "reason": "合同伪造"}, follow=True)
    assert "限制申请期已登记" in words(done)
    row = Restriction.objects.get()
    there = f"{page_of(cast.sun)}restrictions/{row.pk}/lifting/"
    assert zhou.get(there).status_code == 404
    there = f"{page_of(cast.zhang)}restrictions/{row.pk}/lifting/"
    assert "限制申请期已解除" in words(zhou.post(there, {"text": "复议撤销"}, follow=True))
    assert zhou.post(there, {"text": "复议撤销"}).status_code == 422


def test_a_proposal_is_read_and_followed(cast: Cast) -> None:
    from review import casework

    with cast.at_applicants_desk(cast.zhang), crossing.inside(cast.beijing):
        case = casefiles.lodge(cast.zhang, cast.beijing)
    with crossing.standing(Desk.AGENCY, cast.beijing):
        casework.propose_restriction(case=case, by=cast.actor("wang"), text="劳动合同系伪造。")
    zhou = at_desk(cast, "zhou")
    assert case.reference in zhou.page("/registrants/?standing=proposed")
    path = f"/restriction-proposals/{case.pk}/"
    assert "劳动合同系伪造" in zhou.page(path)
    done = zhou.post(path, {"ground": "false", "reason": "核实属实", "end_case": "on"}, follow=True)
    assert "限制申请期已登记" in words(done)
    assert case_now(cast.beijing, case.pk).state == State.TERMINATED
    assert zhou.post(path, {"ground": "false", "reason": "核实属实"}).status_code == 404


# --- Appeals -----------------------------------------------------------------------------------------


def lodged(**changes: Any) -> Appeal:
    told: dict[str, Any] = {
        "name": "钱㐂",
        "document_type": "01",
        "number": factories.id_number(serial=451),
        "certificate_number": "CS00009104",
        "exam_year": clock.today().year - 2,
        "phone": "13800005678",
        "proofs": [
            Proof(name="证书.jpg", content_type="image/jpeg", data=SCAN, sha256=sha256_hex(SCAN)),
        ],
        **changes,
    }
    with crossing.standing(Desk.APPLICANT):
        reference = appeals.lodge_appeal(**told)
    return Appeal.objects.get(reference=reference)


def test_an_appeal_shows_proofs_and_what_nearly_matches(cast: Cast) -> None:
    near = factories.qualification(factories.person("钱喜"), certificate_number="CS00009184")
    far = factories.qualification(factories.person("无关人"), certificate_number="CS00777777")
    same = factories.qualification(factories.person("钱㐂"), certificate_number="CS55555555")
    found = lodged()
    zhou = at_desk(cast, "zhou")
    assert found.reference in zhou.page("/appeals/")
    seen = zhou.page(f"/appeals/{found.pk}/")
    assert [number in seen for number in (near.certificate_number, same.certificate_number)] == [True, True]
    assert far.certificate_number not in seen
    file = AppealProof.objects.get(appeal=found)
    shown = zhou.get(f"/appeals/{found.pk}/proofs/{file.pk}/")
    assert (shown.content, shown["Content-Type"]) == (SCAN, "image/jpeg")
    assert "sandbox" in shown["Content-Security-Policy"]
    other = lodged(certificate_number="CS00009105")
    assert zhou.get(f"/appeals/{other.pk}/proofs/{file.pk}/").status_code == 404


def test_an_appeal_is_upheld_by_entering_the_record(cast: Cast) -> None:
    found = lodged()
    zhou = at_desk(cast, "zhou")
    told = {
        "certificate_number": "CS00009104",
        "exam_year": found.exam_year,
        "issued_on": f"{found.exam_year + 1}-02-10",
        "answer": "已核实并补录。",
    }
    path = f"/appeals/{found.pk}/upholding/"
    answer = zhou.post(path, {**told, "issued_on": "1999-01-01"})
    assert (answer.status_code, Qualification.objects.filter(certificate_number="CS00009104").exists()) == (
        422,
        False,
    )
    assert at_desk(cast, "wei").post(path, told).status_code == 404
    assert "考试记录已补录" in words(zhou.post(path, told, follow=True))
    row = Qualification.objects.select_related("person").get(certificate_number="CS00009104")
    assert (row.person.name, row.person.document_digest) == ("钱㐂", found.document_digest)
    found.refresh_from_db()
    assert (found.outcome, found.answered_by) == ("upheld", cast.user("zhou"))
    assert zhou.post(path, told).status_code == 422
    assert Qualification.objects.filter(person=row.person).count() == 1


def test_appeals_run_on_behind_the_first_page_and_the_own_one_has_no_forms(
    cast: Cast, monkeypatch: pytest.MonkeyPatch, django_assert_max_num_queries: Any
) -> None:
    monkeypatch.setattr(appeals_page, "PAGE_SIZE", 2)
    at = clock.now()
    found = [lodged(certificate_number=f"CS0000920{n}") for n in range(5)]
    # Two of the same moment, so that a page ends between them.
    for n, one in enumerate(found):
        Appeal.objects.filter(pk=one.pk).update(lodged_at=at - timedelta(minutes=9 - n // 3))
    zhou, seen, url = at_desk(cast, "zhou"), [], "/appeals/"
    zhou.get(url)
    while url:
        with django_assert_max_num_queries(10):
            page = zhou.get(url).content.decode()
        seen.append(re.findall(r">(KS\d{12})<", page))
        ahead = re.search(r'rel="next"\s+href="([^"]+)"', page)
        url = f"/appeals/{ahead[1].replace('&amp;', '&')}" if ahead else ""
    assert [len(page) for page in seen] == [2, 2, 1]
    assert {reference for page in seen for reference in page} == {one.reference for one in found}
    path = f"/appeals/{found[0].pk}/"
    assert "补录并答复" in zhou.page(path)
    User.objects.filter(pk=cast.user("zhou").pk).update(document_digest=found[0].document_digest)
    page = zhou.page(path)
    assert ("补录并答复" in page, "这是您本人的申诉" in page) == (False, True)
    answer = zhou.post(f"{path}dismissal/", {"answer": "不予采纳。"})
    assert (answer.status_code, "这是您本人的申诉" in words(answer)) == (422, True)


def test_a_record_of_somebody_else_is_not_entered_twice(cast: Cast) -> None:
    found = lodged(certificate_number="CS00000102")
    zhou = at_desk(cast, "zhou")
    told = {
        "certificate_number": "CS00000102",
        "exam_year": found.exam_year,
        "issued_on": f"{found.exam_year + 1}-02-10",
        "answer": "已核实并补录。",
    }
    answer = zhou.post(f"/appeals/{found.pk}/upholding/", told)
    assert (answer.status_code, "已登记在孙测" in words(answer)) == (422, True)
    assert Person.objects.filter(name="钱㐂").count() == 0
    done = zhou.post(f"/appeals/{found.pk}/dismissal/", {"answer": "证书属于他人。"}, follow=True)
    assert "申诉已答复" in words(done)
    with crossing.standing(Desk.APPLICANT):
        read = appeals.standing_of(
            reference=found.reference, document_type="01", number=factories.id_number(serial=451)
        )
    assert read is not None
    assert (read.outcome, read.answer) == ("dismissed", "证书属于他人。")
