"""The adapters for short messages, the gateway's against a server that takes, refuses and hangs."""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from notifications import sms
from notifications.sms import ConsoleSms, FileSms, GatewaySms, Refused, Unavailable

MESSAGE = {"number": "13800001234", "text": "您的验证码为246810", "key": "notice-1@localhost"}


class Gateway(ThreadingHTTPServer):
    """A gateway that keeps what it is sent and answers as it is told to."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.status, self.pause = 200, 0.0
        self.heard: list[tuple[str, dict[str, str], bytes]] = []
        self.done = threading.Event()


class Answer(BaseHTTPRequestHandler):
    server: Gateway

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.heard.append((self.path, dict(self.headers), body))
        self.server.done.wait(self.server.pause)
        self.send_response(self.server.status)
        self.send_header("Location", "/elsewhere")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""


@pytest.fixture
def gateway(settings: Any) -> Iterator[Gateway]:
    with Gateway() as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        settings.SMS_GATEWAY_URL = f"http://127.0.0.1:{server.server_port}/messages?v=1"
        settings.SMS_GATEWAY_KEY, settings.SMS_GATEWAY_SECRET = "portal", "synthetic"
        settings.SMS_GATEWAY_TIMEOUT = 0.2
        yield server
        server.done.set()
        server.shutdown()


def test_the_gateway_gets_a_signed_message(gateway: Gateway) -> None:
    GatewaySms().send(**MESSAGE)
    ((path, headers, body),) = gateway.heard
    assert path == "/messages?v=1"
    assert json.loads(body) == {"to": MESSAGE["number"], "text": MESSAGE["text"]}
    told = f"{headers['X-Timestamp']}\n{headers['X-Nonce']}\n".encode() + body
    assert headers["X-Signature"] == hmac.new(b"synthetic", told, hashlib.sha256).hexdigest()
    assert (headers["X-Key"], headers["Idempotency-Key"]) == ("portal", MESSAGE["key"])
    assert abs(int(headers["X-Timestamp"]) - time.time()) < 60


def test_every_attempt_has_its_own_nonce_and_the_same_key(gateway: Gateway) -> None:
    for _twice in range(2):
        GatewaySms().send(**MESSAGE)
    assert len({headers["X-Nonce"] for _path, headers, _body in gateway.heard}) == 2
    assert len({headers["Idempotency-Key"] for _path, headers, _body in gateway.heard}) == 1


@pytest.mark.parametrize(
    ("status", "raised"),
    [
        (400, Refused),
        (403, Refused),
        (408, Unavailable),
        (429, Unavailable),
        (302, Unavailable),
        (500, Unavailable),
        (503, Unavailable),
    ],
)
def test_what_the_gateways_answer_means(gateway: Gateway, status: int, raised: type[Exception]) -> None:
    gateway.status = status
    with pytest.raises(raised, match=str(status)):
        GatewaySms().send(**MESSAGE)
    assert len(gateway.heard) == 1


def test_a_slow_gateway_is_waited_for_and_a_hanging_one_is_not(gateway: Gateway) -> None:
    gateway.pause = 0.05
    GatewaySms().send(**MESSAGE)
    gateway.pause = 30
    began = time.perf_counter()
    with pytest.raises(TimeoutError):
        GatewaySms().send(**MESSAGE)
    assert time.perf_counter() - began < 2


def test_a_gateway_that_is_not_there_is_no_refusal(settings: Any) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        settings.SMS_GATEWAY_URL = f"http://127.0.0.1:{taken.getsockname()[1]}/"
        with pytest.raises(ConnectionRefusedError):
            GatewaySms().send(**MESSAGE)


@pytest.mark.parametrize("url", ["http://sms.example.cn/send", "ftp://localhost/", "", "https:///x"])
def test_numbers_never_leave_the_house_in_plain(settings: Any, url: str) -> None:
    settings.SMS_GATEWAY_URL = url
    with pytest.raises(ImproperlyConfigured):
        GatewaySms().send(**MESSAGE)


def test_the_log_shows_neither_number_nor_code(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger=sms.__name__):
        ConsoleSms().send(**MESSAGE)
    assert caplog.messages == ["SMS notice-1@localhost to 138****1234: 您的验证码为******"]


def test_the_file_holds_a_line_for_each_message(settings: Any, tmp_path: Path) -> None:
    settings.SMS_FILE = str(tmp_path / "sms.jsonl")
    for _twice in range(2):
        FileSms().send(**MESSAGE)
    lines = [json.loads(line) for line in Path(settings.SMS_FILE).read_text(encoding="utf-8").splitlines()]
    assert [{name: line[name] for name in MESSAGE} for line in lines] == [MESSAGE, MESSAGE]
    assert Path(settings.SMS_FILE).stat().st_mode & 0o077 == 0
