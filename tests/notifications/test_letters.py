"""Letters: by e-mail only, with links that are made while they are sent and stand nowhere."""

from __future__ import annotations

import json
import re
from typing import Any
from uuid import uuid4

import pytest
from django.core import mail
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from notifications import outbox, sending, tasks
from notifications.models import Delivery, Notice, Outbox
from tenants import credentials
from tenants.models import User

pytestmark = pytest.mark.django_db

PERSON = str(uuid4())


@pytest.fixture
def reader(zhang: User) -> User:
    """Somebody with a password and a verified address."""
    zhang.set_password("Synthetic-pass-1")
    zhang.email, zhang.email_verified = "zhang@example.cn", True
    zhang.save()
    return zhang


def write(users: Any, kind: str = "password_link", cause: str = "1") -> None:
    with transaction.atomic():
        outbox.post_letter(users=users, kind=kind, cause=cause, data={"person": PERSON})


def sent() -> list[mail.EmailMessage]:
    tasks.deliver()
    sending.send_out("email")
    return mail.outbox


def test_a_letter_goes_out_with_a_link_and_never_stands_on_the_board(reader: User) -> None:
    write(User.objects.filter(pk=reader.pk))
    (letter,) = sent()
    link = re.search(rf"http://localhost\S*/password/link/{PERSON}/(\S+)/", str(letter.body))
    assert (letter.subject, letter.to) == ("重新设置密码", ["zhang@example.cn"])
    assert "请在30分钟内打开" in str(letter.body)
    assert link is not None
    assert credentials.proves_password(reader, link[1])
    assert Notice.objects.count() == 0


def test_no_row_keeps_what_would_open_the_account(reader: User) -> None:
    write(User.objects.filter(pk=reader.pk))
    sent()
    (row,) = Outbox.objects.values()
    assert row["data"] == {"person": PERSON}
    kept = json.dumps([row, *Delivery.objects.values()], default=str)
    assert credentials.password_proof(reader).split("-")[0] not in kept


def test_nobody_gets_a_letter_and_the_same_is_asked_of_the_database(reader: User) -> None:
    asked = []
    for number, users in enumerate((User.objects.filter(pk=reader.pk), User.objects.filter(pk=0))):
        with CaptureQueriesContext(
            connection,
        ) as queries:
            write(users, cause=str(number))
        asked.append([re.sub(r"\d+|'[^']*'", "…", query["sql"]) for query in queries])
    assert asked[0] == asked[1]
    assert Outbox.objects.count() == 1


def test_the_same_cause_brings_one_letter(reader: User) -> None:
    write(User.objects.filter(pk=reader.pk))
    write(User.objects.filter(pk=reader.pk))
    assert len(sent()) == 1


def test_the_bell_rings_whether_anybody_is_written_to_or_not(reader: User) -> None:
    for users in (User.objects.filter(pk=reader.pk), User.objects.filter(pk=0)):
        with transaction.atomic():
            outbox.post_letter(users=users, kind="password_link", cause="x", data={"person": PERSON})
            assert sum(waiting[1] is outbox.ring for waiting in connection.run_on_commit) == 1


@pytest.mark.parametrize(
    ("kind", "state", "letters"),
    [
        ("password_link", {"email_verified": False}, 0),
        ("password_link", {"email": ""}, 0),
        ("email_link", {"email_verified": False}, 1),
        ("email_link", {"email": ""}, 0),
    ],
)
def test_an_address_that_changed_before_the_letter_left_gets_none(
    reader: User, kind: str, state: dict[str, Any], letters: int
) -> None:
    write(User.objects.filter(pk=reader.pk), kind=kind)
    tasks.deliver()
    User.objects.filter(pk=reader.pk).update(**state)
    sending.send_out("email")
    assert len(mail.outbox) == letters
    assert Delivery.objects.filter(sent_at__isnull=True, dropped_at__isnull=True).count() == 0


def test_a_letter_with_an_address_of_its_own_goes_there_and_the_address_is_forgotten(reader: User) -> None:
    User.objects.filter(pk=reader.pk).update(email="", email_verified=False)
    told = {"at": "2026-11-23T10:02:00+08:00", "address": "before@example.cn"}
    with transaction.atomic():
        outbox.post(user_id=reader.pk, kind="address_replaced", cause="1", data=told)
    (letter,) = sent()
    assert (letter.subject, letter.to) == ("您的电子邮箱已更换", ["before@example.cn"])
    assert "已于2026年11月23日 10:02更换" in str(letter.body)
    assert Outbox.objects.get().data == {"at": told["at"]}
    assert Notice.objects.count() == 0


def test_a_letter_is_in_the_language_of_the_account(reader: User) -> None:
    User.objects.filter(pk=reader.pk).update(language="en")
    write(User.objects.filter(pk=reader.pk), kind="email_link")
    (letter,) = sent()
    assert letter.subject == "Confirm your e-mail address"
    assert f"/email/{PERSON}/" in str(letter.body)


def test_a_letter_without_a_transaction_or_its_values_is_a_fault(reader: User) -> None:
    with pytest.raises(ValueError, match="person"), transaction.atomic():
        outbox.post_letter(users=User.objects.all(), kind="password_link", cause="1", data={})
    with pytest.raises(ValueError, match="address"), transaction.atomic():
        outbox.post(user_id=reader.pk, kind="address_replaced", cause="1", data={"at": "2026-11-23"})


def test_a_link_leads_to_the_applicants_host(reader: User, settings: Any) -> None:
    settings.APPLICANT_HOSTS = ["zc.example.cn", "www.example.cn"]
    settings.SITE_SCHEME, settings.SITE_PORT = "https", "8443"
    write(User.objects.filter(pk=reader.pk))
    (letter,) = sent()
    assert "https://zc.example.cn:8443/password/link/" in str(letter.body)
