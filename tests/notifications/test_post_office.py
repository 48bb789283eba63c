"""The reading side of the post room: outcomes, figures, what was given up, and asking once more."""

from __future__ import annotations

import json
from datetime import timedelta
from functools import partial
from io import StringIO
from uuid import UUID, uuid4

import pytest
from django.core.management import CommandError, call_command
from django.db import ProgrammingError, transaction
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from notifications import post_office
from notifications.models import Delivery, Notice, Outbox, Resend
from tenants import crossing
from tenants.crossing import Desk
from tenants.errors import Refusal
from tenants.models import User
from tests import factories
from tests.cast import Cast
from tests.review.desks import at_desk, host_of

pytestmark = pytest.mark.django_db

SECRET = "zhang@example.cn"


def letter(user: User, *, case: UUID | None = None, kind: str = "thirty_days", **fields: object) -> Outbox:
    if "created_at" in fields:
        fields["due_at"] = fields["created_at"]
    return Outbox.objects.create(user=user, kind=kind, cause=str(uuid4()), case_id=case, **fields)


def dead_mail(user: User, *, case: UUID | None = None) -> Outbox:
    """On the board and read, but given up by e-mail."""
    now = timezone.now()
    row = letter(user, case=case, sent_at=now)
    Notice.objects.create(
        outbox=row,
        user=user,
        kind=row.kind,
        category="reminder",
        title_zh="距有效期满已不足30日",
        body_zh="正文",
        title_en="t",
        body_en="b",
        case_id=case,
        created_at=now,
        read_at=now,
    )
    Delivery.objects.create(
        outbox=row,
        channel="email",
        attempts=10,
        dead_at=now,
        last_error=f"SMTPRecipientsRefused({{'{SECRET}': (550, b'no such user')}})",
    )
    return row


# --- Outcomes ----------------------------------------------------------------------------------------


def test_an_agency_learns_the_outcomes_of_its_own_cases_only(cast: Cast) -> None:
    ours = factories.docket_line(cast.zhang, cast.beijing)
    theirs = factories.docket_line(cast.sun, cast.mohurd)
    dead_mail(cast.zhang.user, case=ours.case_id)
    dead_mail(cast.sun.user, case=theirs.case_id)
    letter(cast.user("li"), case=ours.case_id, kind="assigned")
    with crossing.standing(Desk.AGENCY, cast.beijing):
        told = post_office.told_of_case(ours.case_id)
        assert post_office.told_of_case(theirs.case_id) == []
    assert [(one.kind, [o.state for o in one.outcomes]) for one in told] == [
        ("thirty_days", ["done", "dead"])
    ]
    with crossing.standing(Desk.AUTHORITY):
        assert len(post_office.told_of_case(theirs.case_id)) == 1


def test_an_applicant_learns_the_own_outcomes_only(cast: Cast) -> None:
    case = uuid4()
    mine, other = dead_mail(cast.zhang.user, case=case), dead_mail(cast.sun.user, case=case)
    with cast.at_applicants_desk(cast.zhang):
        by_case = post_office.told_to_me(case)
        by_notice = post_office.told_to_me(notices=[mine.notice.pk, other.notice.pk])
    assert [one.letter for one in by_case] == [one.letter for one in by_notice] == [mine.pk]


@pytest.mark.parametrize(
    ("fields", "state"),
    [
        ({}, "waits"),
        ({"sent_at": timezone.now()}, "done"),
        ({"dropped_at": timezone.now()}, "dropped"),
        ({"dead_at": timezone.now()}, "dead"),
    ],
)
def test_a_delivery_is_in_one_of_four_states(cast: Cast, fields: dict[str, object], state: str) -> None:
    case = uuid4()
    Delivery.objects.create(outbox=letter(cast.zhang.user, case=case), channel="sms", **fields)
    with crossing.standing(Desk.CLERK):
        (told,) = post_office.told_of_case(case)
    assert [(o.way, o.state) for o in told.outcomes] == [("", "waits"), ("sms", state)]


# --- Given up ----------------------------------------------------------------------------------------


def test_what_was_given_up_is_told_without_address_and_words(cast: Cast) -> None:
    dead_mail(cast.zhang.user)
    with crossing.standing(Desk.AUTHORITY):
        (line,) = post_office.dead_letters()
        counts = post_office.dead_counts()
    assert (line.whom, line.way, line.fault) == ("张测", "email", "SMTPRecipientsRefused")
    assert SECRET not in repr(line)
    assert counts == {("email", "thirty_days"): 1}


def test_an_agency_sees_the_dead_letters_of_its_own_people_and_cases(cast: Cast) -> None:
    ours = factories.docket_line(cast.zhang, cast.beijing)
    mine, staff = dead_mail(cast.zhang.user, case=ours.case_id), dead_mail(cast.user("li"))
    dead_mail(cast.sun.user), dead_mail(cast.user("he"))
    with crossing.standing(Desk.AGENCY, cast.beijing):
        seen = {line.letter for line in post_office.dead_letters()}
        assert sum(post_office.dead_counts().values()) == 2
    assert seen == {mine.pk, staff.pk}


def test_the_list_goes_on_where_it_stopped(cast: Cast) -> None:
    rows = [dead_mail(cast.zhang.user).pk for _each in range(5)]
    with crossing.standing(Desk.AUTHORITY):
        first = post_office.dead_letters(most=2)
        rest = post_office.dead_letters(after=first[-1].place)
        assert len(post_office.dead_letters(after="nonsense")) == 5
    assert [line.letter for line in (*first, *rest)] == rows[::-1]


# --- Once more ---------------------------------------------------------------------------------------


def test_asking_again_keeps_who_asked_and_is_asked_once(cast: Cast) -> None:
    ours = factories.docket_line(cast.zhang, cast.beijing)
    row = dead_mail(cast.zhang.user, case=ours.case_id)
    ask = partial(post_office.ask_again, case_id=ours.case_id, letter=row.pk, by=cast.user("li"))
    with crossing.standing(Desk.AGENCY, cast.beijing):
        ask(way="email")
        with pytest.raises(Refusal):
            ask(way="email")
        with pytest.raises(Refusal):
            ask(way="")
    wish = Resend.objects.get()
    assert (wish.outbox_id, wish.channel, wish.asked_by, wish.done_at) == (
        row.pk,
        "email",
        cast.user("li"),
        None,
    )


def test_the_walls_refuse_a_wish_for_others_post_or_in_anothers_name(cast: Cast) -> None:
    foreign, own = dead_mail(cast.sun.user), dead_mail(cast.user("li"))
    with crossing.standing(Desk.AGENCY, cast.beijing):
        for letter_id, by in ((foreign.pk, cast.user("li")), (own.pk, cast.user("he"))):
            with pytest.raises(ProgrammingError), transaction.atomic():
                Resend.objects.bulk_create([Resend(outbox_id=letter_id, asked_by=by)], ignore_conflicts=True)


# --- Figures -----------------------------------------------------------------------------------------


def test_the_figures_tell_what_waits_since_when_and_how_fast_it_went(cast: Cast) -> None:
    now = timezone.now()
    letter(cast.zhang.user, created_at=now - timedelta(seconds=90))
    for seconds in (1, 2, 3):
        letter(
            cast.zhang.user,
            created_at=now - timedelta(seconds=10 + seconds),
            sent_at=now - timedelta(seconds=10),
        )
    letter(cast.zhang.user, created_at=now - timedelta(days=2), sent_at=now - timedelta(days=1))
    dead_mail(cast.sun.user)
    # An act that bears an earlier time than it was written does not count as slow.
    Outbox.objects.update_or_create(
        user=cast.sun.user,
        kind="thirty_days",
        cause="dated back",
        defaults={"created_at": now - timedelta(days=30), "sent_at": now, "due_at": now},
    )
    with crossing.standing(Desk.CLERK):
        stands = post_office.standing()
    assert (stands.waiting, stands.dead, stands.board.sent) == (1, 1, 5)
    assert 90 <= stands.oldest_seconds < 100
    assert stands.board.p95 is not None and 1.0 < stands.board.p95 <= 3.0
    assert [figures.way for figures in stands.ways] == ["", "email", "sms"]


def test_the_last_day_by_the_hour_leaves_out_what_was_given_up_and_what_is_older(cast: Cast) -> None:
    now, user = timezone.now(), cast.zhang.user
    earlier, before = now - timedelta(hours=3), now - timedelta(days=2)
    gone = letter(user, created_at=earlier, sent_at=now)
    letter(user, created_at=before, sent_at=before)
    letter(user, created_at=earlier)
    letter(user, created_at=earlier, dead_at=now)
    Delivery.objects.create(outbox=gone, channel="email", created_at=now, sent_at=earlier)
    Delivery.objects.create(outbox=gone, channel="sms", created_at=now)
    with crossing.standing(Desk.AUTHORITY, cast.authority):
        hours = post_office.last_day()
    told = {back: (*hours[-1 - back].sent.values(), hours[-1 - back].waiting) for back in range(len(hours))}
    assert (len(hours), {back: figures for back, figures in told.items() if any(figures)}) == (
        24,
        {0: (1, 0, 0, 1), 3: (0, 1, 0, 1)},
    )


def test_the_command_says_it_and_fails_when_something_waits_too_long(cast: Cast) -> None:
    letter(cast.zhang.user, created_at=timezone.now() - timedelta(seconds=90))
    out = StringIO()
    call_command("post_office", "--json", stdout=out)
    assert (json.loads(out.getvalue())["waiting"], json.loads(out.getvalue())["ways"]["board"]["dead"]) == (
        1,
        0,
    )
    with pytest.raises(CommandError):
        call_command("post_office", "--limit", "60", stdout=StringIO())


@pytest.mark.parametrize(
    ("token", "shown", "status"),
    [
        ("", "Bearer ", 404),
        ("synthetic-token", "", 404),
        ("synthetic-token", "Bearer other", 404),
        ("synthetic-token", "Basic synthetic-token", 404),
        ("synthetic-token", "Bearer synthetic-token", 200),
    ],
)
def test_the_metrics_are_there_for_the_token_only(
    cast: Cast, settings: Settings, token: str, shown: str, status: int
) -> None:
    settings.METRICS_TOKEN = token
    dead_mail(cast.zhang.user)
    client = Client(HTTP_HOST=host_of("authority"))
    answer = client.get("/metrics", headers={"authorization": shown} if shown else {})
    assert answer.status_code == status
    if status == 200:
        assert b'portal_notices_dead{channel="email"} 1.0' in answer.content
        assert b"portal_letters_waiting 0.0" in answer.content
    assert Client(HTTP_HOST="localhost").get("/metrics").status_code == 404


# --- The page ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "sees", "asks"),
    [
        ("feng", 200, 302),
        ("wei", 200, 404),
        ("chen", 200, 302),
        ("xu", 200, 404),
        ("zhao", 404, 404),
        ("zhou", 404, 404),
        ("li", 404, 404),
    ],
)
def test_who_may_open_the_post_room_and_who_may_ask(cast: Cast, name: str, sees: int, asks: int) -> None:
    desk = at_desk(cast, name)
    assert desk.get("/post-room/").status_code == sees
    assert desk.post("/post-room/resend/", {"letter": "1", "on": "email"}).status_code == asks


def test_one_line_and_all_of_a_filter_are_asked_for(cast: Cast) -> None:
    rows = [dead_mail(cast.zhang.user) for _each in range(3)]
    feng = at_desk(cast, "feng")
    page = feng.page("/post-room/?way=email")
    assert ("张测" in page, "对方邮件服务器不接受该地址" in page, SECRET in page) == (True, True, False)
    feng.post("/post-room/resend/", {"letter": str(rows[0].pk), "on": "email"})
    assert list(Resend.objects.values_list("outbox", "channel")) == [(rows[0].pk, "email")]
    assert "共 3 件" in feng.page("/post-room/resend/?way=email")
    assert feng.post("/post-room/resend/?way=email")["Location"] == "/post-room/?way=email"
    assert Resend.objects.count() == 3
    assert feng.get("/post-room/resend/?way=sms").status_code == 404


def test_an_empty_post_room_says_what_would_be_here(cast: Cast) -> None:
    assert "没有停止发送的通知" in at_desk(cast, "feng").page("/post-room/")
