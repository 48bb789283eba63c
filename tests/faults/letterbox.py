"""A mail server of our own that keeps what it takes, and may be made to refuse, to hang, or to be slow."""

from __future__ import annotations

import email
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message
from socketserver import StreamRequestHandler, ThreadingTCPServer
from typing import Final, Literal

from deploy.lifelines import free_port

Mood = Literal["taking", "refusing", "hanging", "slow"]
PORT: Final = 21025
# How long a slow server thinks before each of the five or six answers that one letter needs.
SLOW_SECONDS: Final = 0.3
# No client waits as long as this for an answer.
HANGING_SECONDS: Final = 90


@dataclass
class Letterbox:
    """What has arrived, and how the server behaves now."""

    port: int
    mood: Mood = "taking"
    kept: list[tuple[str, str]] = field(default_factory=list)

    def keep(self, to: str, letter: Message) -> None:
        self.kept.append((to, str(letter["Message-ID"])))

    def letters(self) -> Counter[str]:
        """How many different letters each address has got: one Message-ID is one letter."""
        return Counter(to for to, _id in set(self.kept))

    @property
    def repeated(self) -> int:
        """How often a letter came once more under the Message-ID that it had before."""
        return len(self.kept) - len(set(self.kept))


@contextmanager
def letterbox() -> Iterator[Letterbox]:
    """A mail server on this machine while the block lasts."""
    box = Letterbox(free_port(PORT))

    class Talk(StreamRequestHandler):
        def handle(self) -> None:
            try:
                _talk(self, box)
            except OSError:  # the client has gone: it was killed, or is tired of waiting
                return

    class Server(ThreadingTCPServer):
        allow_reuse_address = True
        daemon_threads = True
        block_on_close = False

    with Server(("127.0.0.1", box.port), Talk) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield box
        finally:
            server.shutdown()


def _talk(link: StreamRequestHandler, box: Letterbox) -> None:
    def say(words: str) -> None:
        if box.mood == "slow":
            time.sleep(SLOW_SECONDS)
        link.wfile.write(f"{words}\r\n".encode())

    if box.mood == "refusing":
        say("421 not now")
        return
    say("220 letterbox")
    to: list[str] = []
    while line := link.rfile.readline():
        verb, _blank, rest = line.decode().strip().partition(" ")
        if verb.upper() == "RCPT":
            to.append(rest.partition("<")[2].partition(">")[0])
        if verb.upper() == "DATA":
            say("354 go on")
            letter = email.message_from_bytes(_text(link))
            for each in to:
                box.keep(each, letter)
            to = []
            if box.mood == "hanging":  # the worst moment: the letter is taken, and nobody says so
                _hang(box)
                return
        if verb.upper() == "QUIT":
            say("221 good-bye")
            return
        say("250 yes")


def _text(link: StreamRequestHandler) -> bytes:
    lines = []
    while (line := link.rfile.readline()) not in (b".\r\n", b""):
        lines.append(line.removeprefix(b".") if line.startswith(b"..") else line)
    return b"".join(lines)


def _hang(box: Letterbox) -> None:
    last = time.monotonic() + HANGING_SECONDS
    while box.mood == "hanging" and time.monotonic() < last:
        time.sleep(0.2)
