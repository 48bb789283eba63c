"""What the applicant finds after the agency has handed the application over to another one."""

from __future__ import annotations

import io
import re

import pytest
from pypdf import PdfReader

from intake import casefile, corrections, filing, letters
from intake.models import Application
from register.models import DocketEntry
from review import casework, handover
from review.models import Case
from tenants import crossing
from tenants.crossing import Desk
from tests.cast import Cast
from tests.intake.desk import entered
from tests.intake.lodged import lodged

pytestmark = pytest.mark.django_db
WHY = "申请人的聘用单位由住房和城乡建设主管部门管理"
ITEM = {"item": "employer.name", "code": "R08", "text": "单位名称与合同不一致"}


@pytest.fixture
def moved(cast: Cast) -> Application:
    """Zhang's application, lodged at Beijing and handed over to the ministry."""
    cast.mohurd.materials_mode = "both"
    cast.mohurd.phone = "010-0000-0002"
    cast.mohurd.save(update_fields=["materials_mode", "phone"])
    application = lodged(cast)
    with crossing.standing(Desk.AGENCY, cast.beijing):
        handover.hand_over(
            case_id=application.pk, source=cast.beijing, target=cast.mohurd, by=cast.actor("wang"), text=WHY
        )
    return application


def send_back(cast: Cast, application: Application) -> None:
    with crossing.standing(Desk.AGENCY, cast.mohurd):
        case = Case.objects.get(pk=application.pk)
        casework.take_up(case=case, by=cast.actor("he"))
        casework.send_back(case=case, by=cast.actor("he"), items=[ITEM])


def entry_of(application: Application) -> DocketEntry:
    return DocketEntry.objects.select_related("agency", "person").get(pk=application.pk)


def test_the_answer_to_a_correction_goes_to_the_agency_that_asked(cast: Cast, moved: Application) -> None:
    send_back(cast, moved)
    with cast.at_applicants_desk(cast.zhang):
        application = filing.application_of(cast.zhang, moved.pk)
        assert application is not None
        open_one = corrections.of(application)
        assert open_one is not None
        assert (open_one.agency.code, open_one.takes_uploads) == ("mohurd", True)
        filing.answer(application=application, number=1, answers=["与合同一致，见附件"])
        again = filing.application_of(cast.zhang, moved.pk)
        assert again is not None
        filing.resubmit(application=again)
        versions = casefile.versions_of(entry_of(moved))
        assert [version.number for version in versions] == [1, 2]
    with crossing.standing(Desk.AGENCY, cast.mohurd):
        first, second = Case.objects.get(pk=moved.pk).dossiers.order_by("version")
        assert (first.content["agency"]["code"], first.content["channel"]) == ("beijing", "1")
        assert (second.content["agency"]["code"], second.content["channel"]) == ("mohurd", "2")


def test_each_letter_is_signed_by_the_agency_that_acted_at_the_time(cast: Cast, moved: Application) -> None:
    send_back(cast, moved)
    with cast.at_applicants_desk(cast.zhang):
        entry = entry_of(moved)
        listed = [(str(one.label), one.number[15:]) for one in letters.letters_of(moved, entry)]
        texts = {}
        for slug in ("lodged-1", "handed-over-2", "correction-4"):
            pdf = letters.pdf_of(moved, entry, slug)
            assert pdf is not None
            pages = PdfReader(io.BytesIO(pdf)).pages
            texts[slug] = re.sub(r"\s", "", "".join(page.extract_text() for page in pages))
    assert listed == [("上报回执", "收1"), ("转交告知书", "转1"), ("补正通知书", "补1")]
    beijing, mohurd = cast.beijing.name_zh, cast.mohurd.name_zh
    assert f"提交至{beijing}" in texts["lodged-1"]
    assert mohurd not in texts["lodged-1"]
    assert f"不属于{beijing}的办理范围，现转交{mohurd}办理" in texts["handed-over-2"]
    assert WHY in texts["handed-over-2"]
    assert "受理期限至" in texts["handed-over-2"]
    assert mohurd in texts["correction-4"]
    assert beijing not in texts["correction-4"]


def test_the_pages_name_the_new_agency(cast: Cast, moved: Application) -> None:
    client = entered(cast.zhang)
    for path in (f"/applications/{moved.pk}/", "/history/"):
        answer = client.get(path)
        assert answer.status_code == 200, path
        assert cast.mohurd.name_zh in answer.content.decode(), path
    papers = client.get(f"/applications/{moved.pk}/papers/")
    assert papers.status_code == 200
    assert cast.beijing.name_zh not in papers.content.decode()
