"""The process beside the portal with which `bin/bench notices` measures: it posts, relays, sends, watches."""

from __future__ import annotations

import json
import os
import statistics
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, Self
from uuid import uuid4

import psycopg

SECONDS: Final = float(os.environ.get("NOTICES_SECONDS", "30"))
ROWS: Final = int(os.environ.get("NOTICES_ROWS", "4000"))
ROUNDS: Final = 3
THREADS: Final = 4
BATCH: Final = 200
LOOK: Final = 0.002
# No notice takes as long as this.
PATIENCE: Final = 120
KIND: Final = "accepted"
VALUES: Final[Mapping[str, Any]] = {
    "agency": {"zh": "示例省注册初审机构", "en": "Example Agency"},
    "number": "SL2026000001",
    "due": {"zh": "2026年12月21日", "en": "21 December 2026"},
}
URGENT: Final = "lapsed"
URGENT_VALUES: Final[Mapping[str, Any]] = {
    "kind": {"zh": "初始注册", "en": "Initial registration"},
    "reference": "ZC202600000001",
    "due": {"zh": "2026年12月21日", "en": "21 December 2026"},
}
FRESH: Final = """
    SELECT n.id, o.cause FROM notifications_notice n JOIN notifications_outbox o ON o.id = n.outbox_id
    WHERE n.id > %s ORDER BY n.id
"""


class Watch:
    """Looks at the boards from a session of its own, and notes when each notice is first seen."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.seen: dict[str, float] = {}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Self:
        self._ready = threading.Event()
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(self, *_what: object) -> None:
        self.rest()

    def rest(self) -> None:
        """Look a last time, and no more."""
        time.sleep(10 * LOOK)
        self._over.set()
        self._thread.join()

    def moments(self, causes: Mapping[str, float]) -> dict[str, float]:
        """When what these notices tell happened, by the act's own record."""
        asked = "SELECT cause, extract(epoch FROM created_at) FROM notifications_outbox WHERE cause = ANY(%s)"
        with psycopg.connect(self.url) as session:
            return {cause: float(at) for cause, at in session.execute(asked, [list(causes)])}

    def _look(self) -> None:
        with psycopg.connect(self.url, autocommit=True) as session:
            row = session.execute("SELECT coalesce(max(id), 0) FROM notifications_notice").fetchone()
            # Numbers are given before they are committed: look back a little, so that none is passed over.
            last, back = int(row[0]) if row else 0, 2 * BATCH
            first = last
            self._ready.set()
            while not self._over.is_set():
                for number, cause in session.execute(FRESH, [max(first, last - back)], prepare=True):
                    self.seen.setdefault(cause, time.time())
                    last = max(last, number)
                time.sleep(LOOK)


def spread(waits: Sequence[float]) -> dict[str, float]:
    """Median and 95th percentile of seconds, in milliseconds."""
    cuts = statistics.quantiles(waits, n=100)
    return {
        "p50_ms": round(cuts[49] * 1000, 1),
        "p95_ms": round(cuts[94] * 1000, 1),
        "max_ms": round(max(waits) * 1000, 1),
    }


# --- From commit to board --------------------------------------------------------------------------


def latency(*, rate: float, what: str) -> dict[str, Any]:
    """Post at this rate as an act does, and see when each notice can be read."""
    from django.db import transaction

    users, count = _people(BATCH), max(int(rate * SECONDS), 20)
    committed: dict[str, float] = {}

    def post(number: int) -> None:
        from notifications import outbox
        from tenants import crossing

        cause = f"bench-{uuid4()}"
        # The bell rings before the block is left: the moment is taken between commit and bell.
        with crossing.standing(crossing.Desk.AUTHORITY), crossing.atomic():
            transaction.on_commit(lambda: committed.setdefault(cause, time.time()))
            outbox.post(user_id=users[number % len(users)], kind=KIND, cause=cause, data=VALUES)

    with Watch(os.environ["DATABASE_OWNER_URL"]) as watch:
        reached = _paced(post, count, rate)
        last = time.monotonic() + PATIENCE
        while len(watch.seen.keys() & committed.keys()) < count and time.monotonic() < last:
            time.sleep(0.05)
    waits = [watch.seen[cause] - at for cause, at in committed.items() if cause in watch.seen]
    return {
        "measured": "commit to visible notice",
        "driven": what,
        "posted": len(committed),
        "per_s": round(reached, 1),
        "lost": len(committed) - len(waits),
        **spread(waits),
    }


def _paced(work: Callable[[int], None], count: int, rate: float) -> float:
    """Do it so often, at this rate if the machine can; the rate that was reached."""
    from django.db import connection

    work(0)
    begun, given = time.monotonic(), iter(range(1, count))
    lock = threading.Lock()

    def go_on() -> None:
        while True:
            with lock:
                number = next(given, None)
            if number is None:
                connection.close()
                return
            time.sleep(max(begun + number / rate - time.monotonic(), 0.0))
            work(number)

    with ThreadPoolExecutor(THREADS) as pool:
        for job in [pool.submit(go_on) for _thread in range(THREADS)]:
            job.result()
    return (count - 1) / (time.monotonic() - begun)


# --- Throughput ------------------------------------------------------------------------------------


def relay() -> dict[str, Any]:
    """From outbox to boards by the relay of one process; the same rows by a plain INSERT, in turn."""
    from django.db import connection

    from notifications import delivery
    from notifications.models import Notice
    from tenants import crossing

    users, relayed, plain = _people(BATCH), [], []
    columns = [field.attname for field in Notice._meta.local_concrete_fields if not field.primary_key]
    names, marks = ", ".join(columns), ", ".join(["%s"] * len(columns))
    copy = "CREATE TABLE bench_notice (LIKE notifications_notice INCLUDING ALL)"
    with psycopg.connect(os.environ["DATABASE_OWNER_URL"]) as session:
        session.execute(copy)
        session.commit()
        for _round in range(ROUNDS):
            _posted(users, KIND, VALUES, ROWS)
            first = _value(session, "SELECT coalesce(max(id), 0) FROM notifications_notice")
            with crossing.standing(crossing.Desk.CLERK):
                begun = time.perf_counter()
                while delivery.deliver():
                    pass
                relayed.append(ROWS / (time.perf_counter() - begun))
            rows = session.execute(
                f"SELECT {names} FROM notifications_notice WHERE id > %s",
                [first],
            ).fetchall()
            session.commit()
            if len(rows) != ROWS:
                raise SystemExit(f"{len(rows)} of {ROWS} rows were relayed.")
            begun = time.perf_counter()
            with session.cursor() as cursor:
                for start in range(0, ROWS, BATCH):
                    cursor.executemany(
                        f"INSERT INTO bench_notice ({names}) VALUES ({marks})",
                        rows[start : start + BATCH],
                    )
                    session.commit()
            plain.append(ROWS / (time.perf_counter() - begun))
            session.execute("TRUNCATE bench_notice")
            session.commit()
    connection.close()
    relay_per_s, plain_per_s = map(statistics.median, (relayed, plain))
    return {
        "measured": "relay beside plain INSERT of the same rows",
        "rows": ROWS,
        "rounds": ROUNDS,
        "relay_per_s": round(relay_per_s),
        "insert_per_s": round(plain_per_s),
        "relay_to_insert": round(relay_per_s / plain_per_s, 2),
    }


def channel(*, channel: str) -> dict[str, Any]:
    """Letters of one channel by one sender, to a file adapter."""
    from notifications import delivery, sending
    from notifications.models import Delivery
    from tenants import crossing

    reached, users, kept = [], _people(BATCH, channel=channel), Delivery.objects.filter(channel=channel)
    for _round in range(ROUNDS):
        _posted(users, URGENT, URGENT_VALUES, ROWS // 4)
        with crossing.standing(crossing.Desk.CLERK):
            while delivery.deliver():
                pass
            begun, sent = time.perf_counter(), 0
            while done := sending.send_out(channel):
                sent += done
            reached.append(sent / (time.perf_counter() - begun))
            left = kept.filter(sent_at=None).count()
        if sent != ROWS // 4 or left:
            raise SystemExit(f"{sent} of {ROWS // 4} letters were sent, {left} are left.")
    return {
        "measured": f"{channel} to a file adapter, one sender",
        "letters": ROWS // 4,
        "rounds": ROUNDS,
        "per_s": round(statistics.median(reached)),
    }


def _posted(users: Sequence[int], kind: str, values: Mapping[str, Any], count: int) -> None:
    from notifications import outbox
    from tenants import crossing

    with crossing.standing(crossing.Desk.AUTHORITY), crossing.atomic():
        outbox.post_many(
            outbox.Message(user_id=users[number % len(users)], kind=kind, cause=str(uuid4()), data=values)
            for number in range(count)
        )


def _people(count: int, *, channel: str = "") -> list[int]:
    """Accounts that can be reached by this channel only."""
    from tenants import crossing
    from tenants.models import User

    way = {
        "": lambda _number: {},
        "email": lambda number: {"email": f"bench-{number}@example.invalid", "email_verified": True},
        "sms": lambda number: {"phone": f"139{number:08d}", "phone_verified": True},
    }[channel]
    with crossing.standing(crossing.Desk.OWNER):
        found = [User.objects.create_applicant(name="张测试", **way(number)) for number in range(count)]
    return [user.pk for user in found]


def _value(session: psycopg.Connection, asked: str) -> Any:
    row = session.execute(asked).fetchone()
    session.commit()
    return row[0] if row else None


VERBS: Final[Mapping[str, Callable[..., dict[str, Any]]]] = {
    "latency": latency,
    "relay": relay,
    "channel": channel,
}


def main(verb: str, values: str) -> None:
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    django.setup()
    print(json.dumps(VERBS[verb](**json.loads(values)), ensure_ascii=False))


if __name__ == "__main__":
    main(*sys.argv[1:])
