"""What the demonstration's driver reads from the portal's own stores, as a person reads it from a picture."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from deploy.lifelines import ROOT, Failure, dies_with_parent
from deploy.visitor import Captcha

_READER = """
import sys, django
django.setup()
from captcha.models import CaptchaStore
from tenants import crossing
for key in sys.stdin:
    with crossing.standing(crossing.Desk.APPLICANT):
        print(CaptchaStore.objects.get(hashkey=key.strip()).response, flush=True)
"""


@contextmanager
def captchas(env: Mapping[str, str]) -> Iterator[Captcha]:
    """Yields what tells the digits of a captcha by its key, for the portal running in this environment.

    It raises Failure when the store does not answer.
    """
    with subprocess.Popen(
        [sys.executable, "-c", _READER],
        cwd=ROOT,
        env={**os.environ, **env, "DJANGO_SETTINGS_MODULE": "portal.settings"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=dies_with_parent(signal.SIGTERM),
    ) as reader:

        def captcha(key: str) -> str:
            asked, answers = reader.stdin, reader.stdout
            assert asked and answers  # noqa: S101  both are pipes
            asked.write(f"{key}\n")
            asked.flush()
            if answer := answers.readline().strip():
                return answer
            raise Failure("The captcha's store does not answer.")

        try:
            yield captcha
        finally:
            reader.terminate()
