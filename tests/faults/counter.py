"""What the database holds, counted by a session of its owner and by nothing of the portal's own code."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import psycopg
from psycopg import sql

from tests.faults.driver import DECISIONS

# What the applicant is told of which act, written down here a second time; the cases are initial ones.
TOLD: Final[Mapping[str, str]] = {
    "lodge": "submitted",
    "accept": "accepted",
    "deem_accept": "deemed_accepted",
    "give_opinion": "first_passed",
    "refer": "reported",
    "approve": "granted",
}
SILENT: Final = frozenset({"take_up", "release"})
# And which letter is kept of which act.
BROUGHT: Final[Mapping[str, str]] = {
    "lodge": "lodged",
    "accept": "accepted",
    "deem_accept": "accepted",
    "approve": "granted",
}
MOVEMENTS: Final = "SELECT case_id::text AS case_id, act FROM {}.review_movement"
LETTERS: Final = "SELECT case_id::text, name, path, sha256, attempts FROM {}.review_letter"
UNDRAWN: Final = "SELECT id FROM {}.review_letter WHERE made_at IS NULL"
ADDRESSES: Final = """
    SELECT d.case_id::text, u.id, u.email FROM register_docketentry d
    JOIN register_person p ON p.id = d.person_id JOIN tenants_user u ON u.id = p.user_id
"""
NOTICES: Final = """
    SELECT user_id, kind, case_id::text, count(*) FROM notifications_notice
    WHERE kind = ANY(%s) GROUP BY 1, 2, 3
"""
# Whatever stands on the board of somebody with an address also goes there.
BOARDS: Final = """
    SELECT u.email, count(*) FROM notifications_notice n JOIN tenants_user u ON u.id = n.user_id
    WHERE u.email <> '' AND u.kind = 'applicant' GROUP BY 1
"""
WAITING: Final = """
    SELECT (SELECT count(*) FROM notifications_outbox WHERE sent_at IS NULL AND dead_at IS NULL)
    + (SELECT count(*) FROM notifications_delivery
       WHERE sent_at IS NULL AND dead_at IS NULL AND dropped_at IS NULL)
"""


@dataclass(frozen=True, slots=True)
class Tally:
    """How much there is, and what is missing or too much. `what` names some of it."""

    decisions: int
    notices: int
    letters: int
    # Letters that lie there as files, whole; and of all, those that were not drawn at the first attempt.
    kept: int
    tried_again: int
    lost: int
    doubled: int
    what: tuple[str, ...]


class Books:
    """Counts in one database, and among the private files that it knows of."""

    def __init__(self, url: str, files: Path) -> None:
        self.url, self.files = url, files

    def waiting(self) -> int:
        """Rows that are still on their way to a board, to an e-mail or an SMS."""
        with psycopg.connect(self.url) as session:
            row = session.execute(WAITING).fetchone()
        return int(row[0]) if row else 0

    def _lies(self, path: str, digest: str) -> bool:
        """Whether this file is there, and is the one that was kept."""
        file = self.files / path
        return bool(path) and file.is_file() and sha256(file.read_bytes()).hexdigest() == digest

    def undrawn(self) -> int:
        """Letters that were ordered and do not lie there as files yet."""
        with psycopg.connect(self.url) as session:
            return len(_of_all(session, "review_letter", UNDRAWN))

    def tally(self, decided: Iterable[str], letters: Counter[str], *, all_kept: bool = False) -> Tally:
        """Compare decisions with movements, these with boards and kept letters, boards with the mail server.

        `decided` are the cases whose decisions somebody was told to be done. With `all_kept` every letter
        must have been drawn; without it, those that were.
        """
        with psycopg.connect(self.url) as session:
            moved = Counter((case, act) for case, act in _of_all(session, "review_movement", MOVEMENTS))
            ordered = _of_all(session, "review_letter", LETTERS)
            told = {(user, kind, case): n for user, kind, case, n in session.execute(NOTICES, _kinds())}
            people = {case: (user, mail) for case, user, mail in session.execute(ADDRESSES)}
            boards: dict[str, int] = dict(session.execute(BOARDS).fetchall())
        wanted_notices = Counter(
            {(people[case][0], TOLD[act], case): n for (case, act), n in moved.items() if act in TOLD}
        )
        wanted_letters = Counter(
            {(case, BROUGHT[act]): n for (case, act), n in moved.items() if act in BROUGHT}
        )
        kept = Counter((case, name) for case, name, path, digest, _n in ordered if self._lies(path, digest))
        drawn = Counter((case, name) for case, name, path, _digest, _n in ordered if path)
        done = {(case, acts): sum(moved[case, act] for act in acts) for case in decided for acts in DECISIONS}
        differences = [
            *_compare(dict.fromkeys(done, 1), done),
            *_compare(wanted_notices, told),
            *_compare(wanted_letters, Counter((case, name) for case, name, *_file in ordered)),
            *_compare(wanted_letters if all_kept else drawn, kept),
            *_compare(boards, {mail: n for mail, n in letters.items() if mail in boards}),
        ]
        strange = {act for _case, act in moved} - set(TOLD) - SILENT
        if strange:
            raise AssertionError(f"Nobody said what is told of {sorted(strange)}.")
        return Tally(
            decisions=sum(n for (_case, act), n in moved.items() if act in _pressed()),
            notices=sum(told.values()),
            letters=sum(letters.values()),
            kept=kept.total(),
            tried_again=sum(attempts > 1 for *_letter, attempts in ordered),
            lost=sum(-n for _what, n in differences if n < 0),
            doubled=sum(n for _what, n in differences if n > 0),
            what=tuple(f"{n:+d} {what}" for what, n in differences[:10]),
        )


def _of_all(session: psycopg.Connection, table: str, asked: str) -> list[tuple[Any, ...]]:
    """The rows of one table in the schemas of all agencies."""
    schemas = session.execute(
        "SELECT nspname FROM pg_namespace n JOIN pg_class c ON c.relnamespace = n.oid"
        " WHERE c.relname = %s AND c.relkind = 'r'",
        [table],
    ).fetchall()
    each = (sql.SQL(asked).format(sql.Identifier(name)) for (name,) in schemas)
    return session.execute(sql.SQL(" UNION ALL ").join(each)).fetchall()


def _kinds() -> list[list[str]]:
    return [list(TOLD.values())]


def _pressed() -> set[str]:
    return {act for acts in DECISIONS for act in acts} - {"deem_accept"}


def _compare(wanted: Mapping, found: Mapping) -> list[tuple[str, int]]:
    """What there is too much of (above nothing) or too little (below)."""
    both = {what: found.get(what, 0) - wanted.get(what, 0) for what in {*wanted, *found}}
    return [(str(what), n) for what, n in both.items() if n]
