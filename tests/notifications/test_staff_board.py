"""The board at the staff's desks: their own notices, without an applicant's first line."""

from __future__ import annotations

import pytest
from django.db import transaction

from notifications import outbox, tasks
from tests.cast import Cast
from tests.review.desks import at_desk

pytestmark = pytest.mark.django_db


def test_staff_read_their_notices_at_their_own_desk(cast: Cast) -> None:
    data = {"by": "王复核", "kind": "初始注册", "reference": "ZC202610000017", "due": "2026-12-01"}
    with transaction.atomic():
        outbox.post(user_id=cast.user("li").pk, kind="assigned", cause="m1", data=data)
    tasks.deliver()
    li, liu = at_desk(cast, "li"), at_desk(cast, "liu")
    page = li.page("/notices/")
    assert ("ZC202610000017" in page, "全部标为已读（1）" in page) == (True, True)
    assert "ZC202610000017" not in liu.page("/notices/")
    polled = li.get("/notices/board")
    assert (polled.status_code, 'class="now' in polled.content.decode()) == (200, False)
    assert li.post("/notices/read", {"next": "/notices/"})["Location"] == "/notices/"
    assert "没有未读的通知" in li.page("/notices/")
