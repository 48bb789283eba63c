"""What the demonstration's driver reads from the portal's own stores, as a person reads it from a picture."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping

from deploy.lifelines import ROOT, Failure

_READER = """
import sys, django
django.setup()
from captcha.models import CaptchaStore
from tenants import crossing
for key in sys.stdin:
    with crossing.standing(crossing.Desk.APPLICANT):
        print(CaptchaStore.objects.get(hashkey=key.strip()).response, flush=True)
"""
_reader: dict[str, subprocess.Popen[str]] = {}


def use(env: Mapping[str, str]) -> None:
    """Read from the portal that runs in this environment from now on."""
    if old := _reader.pop("now", None):
        old.terminate()
        old.wait()
    _reader["now"] = subprocess.Popen(
        [sys.executable, "-c", _READER],
        cwd=ROOT,
        env={**os.environ, **env, "DJANGO_SETTINGS_MODULE": "portal.settings"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def captcha(key: str) -> str:
    """The digits of the captcha with this key. Raises Failure when the store does not answer."""
    reader = _reader["now"]
    assert reader.stdin and reader.stdout  # noqa: S101  both are pipes
    reader.stdin.write(f"{key}\n")
    reader.stdin.flush()
    answer = reader.stdout.readline().strip()
    if not answer:
        raise Failure("The captcha's store does not answer.")
    return answer
