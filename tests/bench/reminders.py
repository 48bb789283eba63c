"""How fast the day's reminders are posted over 60,000 registrations, beside a plain INSERT of the same rows.

The first round of the day posts what is due, and a round that has everything behind it posts nothing; both
walk all people. Then 3,000 more become due in one day and are relayed to their boards. Real walls, real
commits; run by `bin/bench reminders`, which prints one JSON line. Its exit code says whether every reminder
was posted once, and whether all stand on their boards.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import sys
import time
from typing import Any, Final

from tests.bench.queue_size import ground

PEOPLE: Final = int(os.environ.get("REMINDERS_PEOPLE", "60000"))
DUE: Final = int(os.environ.get("REMINDERS_DUE", "3000"))
USERS: Final = """
    INSERT INTO tenants_user (
        password, is_superuser, kind, username, name, email, email_verified, phone, phone_verified, landline,
        address, postcode, second_factor_mark, employer_code, document_digest, language, is_active,
        date_joined
    )
    SELECT CASE WHEN i %% 3 = 0 THEN '!' ELSE 'none' END, false, 'applicant', 'bench-' || i, '示例' || i,
        CASE WHEN i %% 5 = 0 THEN '' ELSE 'someone@mail.example' END, false, '', false, '',
        '', '', '', '', '', '', true, now()
    FROM generate_series(1, %(people)s) i
"""
PERSONS: Final = """
    INSERT INTO register_person (
        id, user_id, name, sex, birth_date, document_type, document_mask, document_digest, document_cipher,
        personal, created_at
    )
    SELECT gen_random_uuid(), id, name, '1', '1980-01-01', '01', '***', md5(username), '\\x00', '{}', now()
    FROM tenants_user WHERE username LIKE 'bench-%%'
"""
# Expiries spread evenly over three years; those that fall due in one day end on the same day.
REGISTRATIONS: Final = """
    INSERT INTO register_registration (
        id, person_id, number, kind, category, agency_id, employer_name, employer_code, first_registered_on,
        valid_from, valid_to, ended_how, end_reason, end_ground, granted_on, created_at
    )
    SELECT gen_random_uuid(), id, lpad(n::text, 11, '0'), 'initial', 'A5', %(agency)s, '示例单位', '', begins,
        begins, (begins + interval '3 years' - interval '1 day')::date, '', '', '', begins, now()
    FROM (
        SELECT p.id, row_number() OVER () AS n,
            %(today)s - ((row_number() OVER () - 1) %% 1095)::integer AS begins
        FROM register_person p JOIN tenants_user u ON u.id = p.user_id WHERE u.username LIKE 'bench-%%'
    ) one
"""
QUALIFICATIONS: Final = """
    INSERT INTO register_qualification (
        id, person_id, certificate_number, management_number, exam_year, issued_on, issuer, category, level
    )
    SELECT gen_random_uuid(), id, left(replace(id::text, '-', ''), 24), '', 2020, '2020-02-01', '', '', '2'
    FROM register_person WHERE document_mask = '***'
"""
TOGETHER: Final = """
    UPDATE register_registration SET valid_to = %(expiry)s WHERE id IN (
        SELECT r.id FROM register_registration r JOIN register_person p ON p.id = r.person_id
        WHERE p.document_mask = '***' AND r.valid_to > %(expiry)s + 200 ORDER BY r.number LIMIT %(due)s
    )
"""
# The very rows of the round, written plainly under another cause.
PLAINLY: Final = """
    INSERT INTO notifications_outbox
        (user_id, kind, cause, data, case_id, created_at, due_at, attempts, last_error)
    SELECT user_id, kind, 'plain ' || cause, data, case_id, created_at, due_at, attempts, last_error
    FROM notifications_outbox
"""


def laid(agency: int) -> None:
    """As many people as the whole country has, each registered once."""
    from django.db import connection

    from register import clock
    from tenants.crossing import Desk, standing

    given: dict[str, Any] = {"people": PEOPLE, "agency": agency, "today": clock.today()}
    with standing(Desk.OWNER), connection.cursor() as cursor:
        for statement in (USERS, PERSONS, REGISTRATIONS, QUALIFICATIONS):
            cursor.execute(statement, given)
        cursor.execute("VACUUM ANALYZE")


def gone_round() -> tuple[float, int]:
    """Seconds of the day's round, and how many it posted."""
    from register import reminders
    from tenants.crossing import Desk, standing

    begun = time.perf_counter()
    with standing(Desk.CLERK):
        posted = reminders.run()
    return time.perf_counter() - begun, posted


def written_plainly() -> tuple[float, int]:
    """Seconds of a plain INSERT of what the round posted, and how many rows; nothing of it stays."""
    from django.db import connection, transaction

    from tenants.crossing import Desk, standing

    with standing(Desk.OWNER), transaction.atomic(), connection.cursor() as cursor:
        begun = time.perf_counter()
        cursor.execute(PLAINLY)
        found = time.perf_counter() - begun, int(cursor.rowcount)
        transaction.set_rollback(True)
    return found


def forgotten(*, all_posted: bool) -> None:
    """The day has seen no round; with `all_posted` nothing was posted either."""
    from django.db import connection

    from tenants.crossing import Desk, standing

    with standing(Desk.OWNER), connection.cursor() as cursor:
        cursor.execute("DELETE FROM register_reminderrun")
        if all_posted:
            cursor.execute("TRUNCATE notifications_outbox CASCADE")
        cursor.execute("VACUUM ANALYZE notifications_outbox")


def relayed() -> float:
    """Seconds until everything posted stands on its board."""
    from notifications import delivery
    from tenants.crossing import Desk, standing

    begun = time.perf_counter()
    with standing(Desk.CLERK):
        while delivery.deliver_all():
            pass
    return time.perf_counter() - begun


def figures() -> dict[str, Any]:
    from django.db import connection

    from notifications.models import Notice, Outbox
    from register import clock
    from tenants.crossing import Desk, standing

    first_s, first = gone_round()
    plain_s, plain = written_plainly()
    forgotten(all_posted=False)
    again_s, again = gone_round()
    forgotten(all_posted=True)
    with standing(Desk.OWNER), connection.cursor() as cursor:
        given: dict[str, Any] = {"expiry": clock.today() + dt.timedelta(days=60), "due": DUE}
        cursor.execute("UPDATE register_registration SET valid_to = valid_to + 3000, granted_on = granted_on")
        cursor.execute(TOGETHER, given)
        together = int(cursor.rowcount)
    due_s, due = gone_round()
    board_s = relayed()
    with standing(Desk.OWNER):
        waiting, on_board = Outbox.objects.filter(sent_at=None).count(), Notice.objects.count()
    return {
        **{"people": PEOPLE, "posted": first, "round_s": round(first_s, 2)},
        **{"rows_per_s": round(first / first_s), "plain_insert_rows_per_s": round(plain / plain_s)},
        **{"plain_rows": plain, "posted_again": again, "round_of_nothing_s": round(again_s, 2)},
        **{"due_in_one_round": due, "laid_together": together, "due_round_s": round(due_s, 2)},
        **{"on_boards_after_s": round(due_s + board_s, 2), "on_boards": on_board, "waiting": waiting},
    }


def main() -> int:
    with ground():
        from register import clock
        from tests.cast import raised

        # Rounds begin in the early morning: the bench has it at nine o'clock, whatever the time is.
        morning = dt.datetime.combine(clock.today(), dt.time(9), clock.SHANGHAI)
        clock.now = lambda: morning
        cast = raised()
        laid(cast.beijing.pk)
        found = figures()
    print(json.dumps(found), flush=True)
    right = found["posted"] == found["plain_rows"] > 0 and found["posted_again"] == found["waiting"] == 0
    all_there = found["due_in_one_round"] == found["on_boards"] >= found["laid_together"] == DUE
    return 0 if right and all_there else 1


if __name__ == "__main__":
    sys.exit(main())
