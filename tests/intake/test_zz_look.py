# temporary: pages to look at
from __future__ import annotations
import re, pathlib
from datetime import timedelta, date, datetime
import pytest
from django.db import transaction
from notifications import outbox, tasks, board
from notifications.models import Notice
from intake import filing
from register import clock
from register.models import Kind, DocketEntry
from review.states import State
from tests import factories
from tests.cast import APPLICANTS, Cast
from tests.intake.desk import *
from tests.intake.lodged import *
from tests.intake.test_history import past, granted
from tests.intake.test_after_lodging import address, answers
from tenants.models import Agency

pytestmark = pytest.mark.django_db
OUT = pathlib.Path("/tmp/look-after/html")
OUT.mkdir(parents=True, exist_ok=True)


@pytest.fixture(autouse=True)
def english():
    from django.utils.translation import trans_real
    from babel.messages.pofile import read_po

    t = trans_real.translation("en")
    for f in pathlib.Path("/tmp/brief/po3").glob("*.po"):
        for m in read_po(open(f, "rb"), locale="en"):
            if m.id and m.string:
                t._catalog._catalogs[0][m.id] = m.string


def save(client, name, path, post=None, follow=False):
    for lang, tag in (("zh-hans", ""), ("en", "-en")):
        client.cookies["language"] = lang
        answer = client.post(path, post, follow=True) if post is not None else client.get(path, follow=True)
        html = answer.content.decode()
        html = html.replace("/static/portal/", "file:///work/main/portal/static/portal/")
        html = re.sub(
            r"/static/bootstrap/",
            "file:///work/main/.venv/lib/python3.11/site-packages/bootstrap/static/bootstrap/",
            html,
        )
        (OUT / f"{name}{tag}.html").write_text(html)
        if post is not None:
            break
    client.cookies["language"] = "zh-hans"


@pytest.fixture
def client(cast):
    Agency.objects.filter(pk=cast.beijing.pk).update(
        phone="010-00000012", address="北京市示例区示例大街1号", hours="工作日 9:00—11:30，13:30—17:00"
    )
    return signed_in(cast.zhang, APPLICANTS["zhang"].number)


def told(cast, number):
    kinds = [
        ("thirty_days", {}),
        ("email_missing", {}),
        ("correction_soon", {"due": clock.today(), "days": 3}),
        ("expiry", {"valid_to": clock.today(), "days": 30}),
        ("new_device", {"at": clock.now()}),
    ]
    with transaction.atomic():
        for n in range(number):
            kind, data = kinds[n % len(kinds)]
            outbox.post(
                user_id=cast.zhang.user_id,
                kind=kind,
                cause=f"told {n}",
                data=data,
                at=clock.now() - timedelta(hours=5 * n),
            )
    tasks.deliver()


def test_new(cast, client):
    save(client, "home-new", "/home/")
    save(client, "history-empty", "/history/")
    save(client, "notices-empty", "/notices/")


def test_draft(cast, client):
    with cast.at_applicants_desk(cast.zhang):
        d = filled(cast.zhang, cast.beijing)
        filing.stand_on(application=d, step="experience")
    Agency.objects.filter(pk=cast.beijing.pk).update(intake_open=False)
    save(client, "home-draft-suspended", "/home/")
    save(client, "discard", f"/applications/{d.pk}/discard/")


def test_submitted(cast, client):
    held = lodged(cast)
    tasks.deliver()
    save(client, "home-submitted", "/home/")
    save(client, "receipt", f"/applications/{held.pk}/receipt/")
    save(client, "application-submitted", f"/applications/{held.pk}/")
    save(client, "withdrawal", f"/applications/{held.pk}/withdrawal/")


def test_correction(cast, client, shifted_clock):
    held = lodged(cast)
    sent_back(
        cast,
        held,
        items=[
            {
                "item": "employer.address",
                "code": "R08",
                "text": "单位地址与营业执照不一致，请按营业执照填写。",
            },
            {"item": "photo", "code": "R06", "text": "照片过暗，面部不清"},
            {"item": "experience", "code": "R09", "text": "2014年7月至2016年的经历与合同不符"},
            {"item": "papers.M01", "code": "R01", "text": "申请表第2页未签字"},
        ],
    )
    tasks.deliver()
    due = DocketEntry.objects.get().due_on
    save(client, "correction-fresh", f"/applications/{held.pk}/correction/")
    day = due - timedelta(days=1)
    while not clock.is_working_day(day):
        day -= timedelta(days=1)
    clock.travel_to(datetime(day.year, day.month, day.day, 10, 0, tzinfo=clock.SHANGHAI))
    client = signed_in(cast.zhang, APPLICANTS["zhang"].number)
    save(client, "home-correction-tomorrow", "/home/")
    address(cast, held)
    save(client, "correction-started", f"/applications/{held.pk}/correction/")
    with cast.at_applicants_desk(cast.zhang):
        a = filing.application_of(cast.zhang, held.pk)
        filing.attach_photo(application=a, upload=portrait(600, 840))
        filing.answer(application=a, number=1, answers=["", "", "已按合同核对，附说明", "已补签"])
    save(
        client,
        "print-first",
        f"/applications/{held.pk}/correction/",
        {"go": "resubmit", "number": "1", "answer-2": "已按合同核对，附说明", "answer-3": "已补签"},
    )
    client.post(
        f"/applications/{held.pk}/correction/",
        {"go": "unprinted", "number": "1", "answer-2": "已按合同核对，附说明", "answer-3": "已补签"},
    )
    tasks.deliver()
    save(client, "receipt-again", f"/applications/{held.pk}/receipt/")
    save(client, "application-v2", f"/applications/{held.pk}/")


def test_states(cast, client):
    held = lodged(cast)
    tasks.deliver()
    for s in (State.ACCEPTED, State.FIRST_PASSED, State.REPORTED):
        brought_to(s, held, cast.beijing)
    save(client, "home-reported", "/home/")
    save(client, "application-reported", f"/applications/{held.pk}/")
    brought_to(State.FINAL_PASSED, held, cast.beijing)
    factories.registration(
        cast.zhang, cast.beijing, case_id=held.pk, valid_from=clock.today(), granted_on=clock.today()
    )
    save(client, "home-granted", "/home/")
    save(client, "application-granted", f"/applications/{held.pk}/")


def test_refused(cast, client):
    held = lodged(cast)
    tasks.deliver()
    for s in (State.ACCEPTED, State.FIRST_FAILED, State.REPORTED, State.FINAL_FAILED):
        brought_to(s, held, cast.beijing)
    save(client, "home-refused", "/home/")
    save(client, "application-refused", f"/applications/{held.pk}/")
    save(client, "receipt-refused", f"/applications/{held.pk}/receipt/")
    with cast.at_applicants_desk(cast.zhang):
        started(cast.zhang)
    save(client, "copy-ask", f"/applications/{held.pk}/copy/", {})


def test_registered(cast, client):
    factories.registration(
        cast.zhang, cast.beijing, valid_from=clock.add_years(clock.today(), -3) + timedelta(days=45)
    )
    told(cast, 30)
    board.mark_seen(cast.zhang.user, Notice.objects.order_by("-created_at")[2].pk)
    save(client, "home-renewal-30", "/home/")
    save(client, "notices-30", "/notices/")
    first = board.page_of(board.notices_of(cast.zhang.user), 20)
    save(client, "notices-30-p2", f"/notices/?after={first.after}")


def test_expired(cast, client):
    factories.registration(
        cast.zhang, None, valid_from=clock.add_years(clock.today(), -3) - timedelta(days=45)
    )
    save(client, "home-expired", "/home/")


def test_valid(cast, client):
    factories.registration(cast.zhang, cast.beijing)
    board.mark_seen(cast.zhang.user)
    save(client, "home-valid", "/home/")


def test_history(cast, client):
    granted(cast, None, date(2018, 3, 1))
    first = past(cast, date(2021, 1, 20), State.ISSUED, Kind.RENEWAL)
    granted(cast, first, date(2021, 3, 1), kind=Kind.RENEWAL)
    past(cast, date(2022, 6, 1), State.WITHDRAWN, Kind.CHANGE)
    past(cast, date(2022, 9, 1), State.FINAL_FAILED, Kind.CHANGE)
    last = past(cast, date(2024, 2, 1), State.ISSUED, Kind.RENEWAL)
    granted(cast, last, date(2024, 3, 1), kind=Kind.RENEWAL)
    save(client, "history", "/history/")
