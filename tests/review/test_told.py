"""通知送达 on the page of a case: what the applicant was told, how far it came, and sending it again."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from notifications.models import Delivery, Outbox, Resend
from tenants import crossing
from tests import casefiles
from tests.cast import Cast
from tests.review.desks import at_desk

pytestmark = pytest.mark.django_db


@pytest.fixture
def given_up(cast: Cast) -> Delivery:
    """A case of Beijing whose applicant was told of lodging; the e-mail was given up."""
    with cast.at_applicants_desk(cast.zhang), crossing.inside(cast.beijing):
        casefiles.lodge(cast.zhang, cast.beijing)
    row = Outbox.objects.get(kind="submitted")
    fields: dict[str, Any] = {"dead_at": timezone.now(), "attempts": 10, "last_error": "TimeoutError()"}
    return Delivery.objects.create(outbox=row, channel="email", **fields)


def test_the_page_tells_how_far_it_came_and_it_is_asked_for_once(cast: Cast, given_up: Delivery) -> None:
    li, case = at_desk(cast, "li"), given_up.outbox.case_id
    page = li.page(f"/cases/{case}/")
    assert ("通知送达" in page, "公告栏 等待送达" in page, "重新发送（电子邮件）" in page) == (
        True,
        True,
        True,
    )
    form = {"letter": str(given_up.outbox_id), "way": "email"}
    assert li.post(f"/cases/{case}/notices/", form)["Location"] == f"/cases/{case}/#told"
    assert "电子邮件 已申请重新发送" in li.page(f"/cases/{case}/")
    li.post(f"/cases/{case}/notices/", form)
    assert list(Resend.objects.values_list("outbox", "channel", "asked_by")) == [
        (given_up.outbox_id, "email", cast.user("li").pk)
    ]


@pytest.mark.parametrize(
    ("name", "status"), [("wang", 302), ("xu", 404), ("chen", 404), ("he", 404), ("zhao", 302), ("feng", 404)]
)
def test_who_may_have_it_sent_again(cast: Cast, given_up: Delivery, name: str, status: int) -> None:
    form = {"letter": str(given_up.outbox_id), "way": "email"}
    answer = at_desk(cast, name).post(f"/cases/{given_up.outbox.case_id}/notices/", form)
    assert (answer.status_code, Resend.objects.count()) == (status, int(status == 302))


def test_an_auditor_reads_it_without_a_button(cast: Cast, given_up: Delivery) -> None:
    page = at_desk(cast, "xu").page(f"/cases/{given_up.outbox.case_id}/")
    assert ("未送出" in page, "重新发送" in page) == (True, False)


def test_what_was_not_given_up_is_not_sent_again(cast: Cast, given_up: Delivery) -> None:
    li, case = at_desk(cast, "li"), given_up.outbox.case_id
    for form in ({"letter": str(given_up.outbox_id), "way": ""}, {"letter": "999999999", "way": "email"}):
        li.post(f"/cases/{case}/notices/", form)
    assert li.post(f"/cases/{case}/notices/", {"letter": "x"}).status_code == 404
    assert Resend.objects.count() == 0
