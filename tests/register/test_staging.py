"""Uploads that wait for their officer's decision: encrypted, for an hour, for nobody else."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from pytest_django import Settings

from register import staging
from tenants.errors import Refusal

SECRET = "王测,11010519491231002X".encode()


@pytest.fixture
def media(settings: Settings, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = tmp_path
    return tmp_path


def test_an_upload_waits_encrypted_for_its_officer(media: Path) -> None:
    token = staging.keep(SECRET, "名册.csv", "qualifications", user_id=7)
    (stored,) = (media / "imports").iterdir()
    assert b"110105" not in stored.read_bytes()
    assert stored.stat().st_mode & 0o077 == 0
    assert staging.kept(token, user_id=7).name == "名册.csv"
    with pytest.raises(Refusal):
        staging.kept(token, user_id=8)
    assert staging.kept(token, user_id=7) == (SECRET, "名册.csv", "qualifications")
    staging.discard(token)
    with pytest.raises(Refusal):
        staging.kept(token, user_id=7)


@pytest.mark.parametrize("token", ["", "../../etc/passwd", "x" * 31, "x" * 32])
def test_an_invented_token_finds_nothing(media: Path, token: str) -> None:
    with pytest.raises(Refusal):
        staging.kept(token, user_id=7)


def test_what_nobody_decided_is_deleted(media: Path) -> None:
    token = staging.keep(b"1", "a.csv", "qualifications", user_id=7)
    os.utime(media / "imports" / token, (time.time() - 4000, time.time() - 4000))
    with pytest.raises(Refusal):
        staging.kept(token, user_id=7)
    assert (media / "imports" / token).exists()
    staging.keep(b"2", "b.csv", "qualifications", user_id=7)
    assert not (media / "imports" / token).exists()


def test_two_processes_may_clear_away_at_once(media: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (media / "imports").mkdir()
    gone = media / "imports" / "cleared-by-another-process"
    monkeypatch.setattr(Path, "iterdir", lambda self: iter([gone]))
    token = staging.keep(b"1", "a.csv", "qualifications", user_id=7)
    assert staging.kept(token, user_id=7).data == b"1"
