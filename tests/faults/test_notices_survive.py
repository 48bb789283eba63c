"""Whatever falls between the act and its notice: the act stands, the notice comes, and it comes once."""

from __future__ import annotations

import os
import signal
import time

import pytest

from deploy import play
from deploy.visitor import Visitor
from tests.stage import Stage

pytestmark = pytest.mark.fault


def prepared(running: Stage) -> tuple[play.Play, Visitor]:
    """An applicant at the preview, everything filled in."""
    played = running.play()
    applicant, _person = play.come_in(played, running.people)
    play.fill_in(played, applicant)
    return played, applicant


def press_lodge(applicant: Visitor) -> float:
    """上报; the milliseconds until the receipt was there."""
    since = time.perf_counter()
    applicant.press("上报", {"declaration-agreed": "on", "declaration-delivery": "1"})
    took = (time.perf_counter() - since) * 1000
    assert applicant.path.endswith("/receipt/")
    return took


def bodies(played: play.Play, applicant: Visitor) -> list[str]:
    return [body for _key, body in play.Board(played, applicant).titles()]


def await_one_notice(played: play.Play, applicant: Visitor) -> None:
    until = time.monotonic() + 30
    while time.monotonic() < until and not bodies(played, applicant):
        time.sleep(0.1)
    # Long enough for a second delivery to show, if there were one.
    time.sleep(4)
    assert len([body for body in bodies(played, applicant) if "等待受理" in body]) == 1


def test_a_worker_killed_before_delivery_delays_the_notice_and_loses_none(running: Stage) -> None:
    """The worker is frozen when the act commits, and killed with the message in its hands."""
    played, applicant = prepared(running)
    worker = running.portal["worker"]
    os.killpg(worker.pid, signal.SIGSTOP)
    press_lodge(applicant)
    assert bodies(played, applicant) == []
    worker.kill()
    worker.start()
    await_one_notice(played, applicant)


def test_without_redis_the_act_succeeds_at_once_and_the_notice_follows(running: Stage) -> None:
    played, applicant = prepared(running)
    usual = press_lodge(prepared(running)[1])
    running.take_down("valkey")
    try:
        took = press_lodge(applicant)
        assert bodies(played, applicant) == []
    finally:
        running.bring_up("valkey")
    # Beside what the page takes anyway, on a machine that may be busy; a broker waited for costs seconds.
    assert took < usual + 300
    await_one_notice(played, applicant)
