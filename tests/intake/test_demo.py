"""The demonstration's cases: made by the acts of the domain, once, and open to every desk's lists."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from django.core.management import call_command
from pytest_django import Settings

from intake import demo
from register.models import Appeal, DocketEntry
from register.models import Policy as PolicyRow
from review import registrar
from tenants.crossing import Desk, standing


def test_cases_stand_at_every_stage_and_are_made_once(
    db: None, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = tuple(replace(course, agency="beijing") for course in demo.COURSES)
    monkeypatch.setattr(demo, "COURSES", here)
    settings.VAR_DIR, settings.CLOCK_SHIFT_FILE = tmp_path, str(tmp_path / "clock-shift")
    call_command("demo_data", "--people", "120", "--registrations", "40")
    call_command("demo_cases")
    call_command("demo_cases")
    with standing(Desk.AUTHORITY):
        states = Counter(DocketEntry.objects.values_list("state", flat=True))
        assert states.total() == len(demo.COURSES)
        assert states["reported"] == 6
        assert {state: states[state] for state in ("final_passed", "final_failed", "sent_back")} == {
            "final_passed": 2,
            "final_failed": 1,
            "sent_back": 1,
        }
        assert registrar.proposals().count() == 1
        assert Appeal.objects.filter(outcome="").count() == 1
        assert PolicyRow.objects.filter(key="draft_retention_days").count() == 1
