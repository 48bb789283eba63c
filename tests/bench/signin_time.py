"""How long the ways in take to answer for people who are known and for people who are not.

Whoever measures answers shall learn nothing: for signing in, the identity check and the recovery of a
password the medians of interleaved tries differ by at most five per cent. Real hashes, real walls, real
commits; run by `bin/bench signin_time`, whose exit code says whether that holds.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from statistics import median
from typing import Final

import django

TRIES: Final = 200
LIMIT: Final = 0.05
HASHER: Final = "django.contrib.auth.hashers.PBKDF2PasswordHasher"
Fields = dict[str, str]


@contextmanager
def ground() -> Iterator[None]:
    """A database of its own with walls and agencies, as the tests have it, and the hasher of production."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    django.setup()
    from django.db import connection
    from django.test.utils import (
        override_settings,
        setup_databases,
        setup_test_environment,
        teardown_databases,
    )

    from tests.ground import open_ground

    connection.settings_dict["TEST"]["NAME"] = "bench_signin_time"
    # One line for each failed try would hide what was measured.
    logging.getLogger("axes").setLevel(logging.ERROR)
    setup_test_environment()
    made = setup_databases(verbosity=0, interactive=False)
    try:
        with override_settings(PASSWORD_HASHERS=[HASHER]):
            open_ground()
            yield
    finally:
        teardown_databases(made, verbosity=0)


def numbers(born: date) -> list[str]:
    """So many document numbers of people born from this day on."""
    from tests.factories import id_number

    return [id_number(born + timedelta(days=day), serial=7) for day in range(TRIES)]


def enrol(known: list[str]) -> None:
    """People with a password and a verified address."""
    from django.contrib.auth.hashers import make_password

    from register import people
    from register.models import DocumentType
    from tenants.models import User

    secret = make_password("Synthetic-pass-1")
    for number in known:
        person = people.enrol(name="某测试", document_type=DocumentType.RESIDENT_ID, number=number)
        User.objects.filter(pk=person.user_id).update(
            password=secret, email="somebody@example.cn", email_verified=True
        )


def seconds(path: str, fields: Fields) -> float:
    """How long the answer to one form takes; its captcha is right."""
    from captcha.models import CaptchaStore
    from django.test import Client

    key = CaptchaStore.generate_key()
    answer = CaptchaStore.objects.get(hashkey=key).response
    client = Client(HTTP_HOST="localhost")
    begun = time.perf_counter()
    got = client.post(path, {**fields, "captcha_0": key, "captcha_1": answer})
    taken = time.perf_counter() - begun
    if got.status_code not in (200, 302):
        raise SystemExit(f"{path} answered {got.status_code}.")
    return taken


def measure(path: str, fields: Fields, known: list[str], unknown: list[str]) -> float:
    """Prints both medians of one way in; returns by how much they differ."""
    taken: dict[str, list[float]] = {"known": [], "unknown": []}
    for turn, pair in enumerate(zip(known, unknown, strict=True)):
        both = list(zip(taken, pair, strict=True))
        for who, number in both if turn % 2 else reversed(both):
            taken[who].append(seconds(path, {"document_type": "01", "number": number, **fields}))
    one, other = (median(each) for each in taken.values())
    differ = abs(one - other) / other
    print(
        f"{path:<22} known {one * 1000:7.2f} ms  unknown {other * 1000:7.2f} ms  differ {differ:5.1%}",
        flush=True,
    )
    return differ


WAYS: Final[dict[str, Fields]] = {
    "/": {"password": "wrong-Pass-1"},
    "/password/set/": {"name": "某测试", "certificate_number": "CS99999999"},
    "/password/forgotten/": {},
}


def main(report: Callable[[str], object] = print) -> int:
    with ground():
        known, unknown = numbers(date(1970, 1, 1)), numbers(date(1980, 1, 1))
        enrol(known)
        seconds("/", {"document_type": "01", "number": unknown[0], "password": "wrong-Pass-1"})
        differ = [measure(path, fields, known, unknown) for path, fields in WAYS.items()]
    good = max(differ) <= LIMIT
    report(f"{TRIES} tries each, interleaved; at most {LIMIT:.0%} allowed: {'good' if good else 'TOO MUCH'}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
