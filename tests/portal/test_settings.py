"""Every setting is told to the operator."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from django.conf import settings


def test_every_variable_stands_in_the_operators_table() -> None:
    source = Path(settings.BASE_DIR, "portal", "settings.py").read_text(encoding="utf-8")
    read = set(re.findall(r'(?:env\.\w+|_secret)\(\s*f?"([A-Z_]+)"', source))
    read |= set(re.findall(r'"(DATABASE_\w*URL)"', source))
    told = set(
        re.findall(r"`([A-Z_]+)`", Path(settings.BASE_DIR, "docs", "operator.md").read_text(encoding="utf-8"))
    )
    assert read - told == set()


def test_what_beat_asks_for_is_not_heaped_up_while_nobody_works() -> None:
    kept = {
        name: (entry["schedule"], entry["options"]["expires"])
        for name, entry in settings.CELERY_BEAT_SCHEDULE.items()
    }
    assert kept == {
        "ring-again": (3.0, 60.0),
        "statutory-clock": (60.0, 60.0),
        "ended-sessions": (3600.0, 3600.0),
        "idle-drafts": (21600.0, 21600.0),
        "loose-papers": (21600.0, 21600.0),
        "loose-photos": (21600.0, 21600.0),
        "counted-anew": (3600.0, 3600.0),
        "escalation": (1800.0, 1800.0),
        "deemed-renewals": (1800.0, 1800.0),
        "docket-counts": (60.0, 60.0),
        "waiting-files": (60.0, 60.0),
        "published-batches": (60.0, 60.0),
        "waiting-certificates": (60.0, 60.0),
        "waiting-letters": (30.0, 60.0),
        "agency-jobs": (15.0, 60.0),
        "schemas": (3600.0, 3600.0),
        "books-compared": (86400.0, 86400.0),
        "roster-jobs": (15.0, 60.0),
        "reminders": (900.0, 900.0),
        "reminders-in-hand": (900.0, 900.0),
    }


def test_hosts_are_compared_in_lower_case() -> None:
    told = {**os.environ, "APPLICANT_HOSTS": "Apply.Example.CN, WWW.example.cn", "PORTAL_TESTING": "1"}
    asked = "from portal import settings; print(settings.APPLICANT_HOSTS)"
    found = subprocess.run(
        [sys.executable, "-c", asked],
        env=told,
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout.strip() == "['apply.example.cn', 'www.example.cn']"
