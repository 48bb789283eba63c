"""The whole portal for journeys and faults: real servers, web, worker and beat, and people to play with.

`python -m tests.stage FILE` fills a prepared database: the staff of the cast, and applicants whose exam
results are written to FILE as the driver of the demonstration reads them.
"""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

from deploy import embedded, play, stores
from deploy.lifelines import ROOT, Failure, var_folder
from deploy.processes import Portal, portal_processes
from deploy.visitor import Captcha

APPLICANTS: Final = 12
PREPARE: Final = (
    ("migrate_schemas", "--shared", "-v0"),
    ("apply_walls",),
    ("open_agency", "beijing", "mohurd", "sinopec"),
)


@dataclass(slots=True)
class Stage:
    """The running portal of a test: its processes, its data folder, and its roster."""

    portal: Portal
    var: Path
    env: dict[str, str]
    people: Iterator[play.Person]
    captcha: Captcha

    def play(self) -> play.Play:
        return play.Play(port=self.portal.port, folder=self.var, captcha=self.captcha)

    def take_down(self, server: str) -> None:
        embedded.take_down(self.var, server)

    def bring_up(self, server: str) -> None:
        embedded.bring_up(self.var, server)


@contextmanager
def standing(worker: str) -> Iterator[Stage]:
    """The portal on servers of its own, with fresh data, for the length of the block.

    `worker` is the test process's name (gw0, gw1 … or master): processes beside each other share nothing.
    """
    var = var_folder() / f"stage-{worker}"
    port = 8300 + 100 * int(worker.removeprefix("gw") if worker.startswith("gw") else 0)
    var.mkdir(parents=True, exist_ok=True)
    for given in ("DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL"):
        os.environ.pop(given, None)
    embedded.forget(var)
    (var / "clock-shift").unlink(missing_ok=True)
    with embedded.servers(var, durable=False) as added:
        env = embedded.surroundings(var, added, test=False)
        env = {key: value for key, value in env.items() if key != "PORTAL_TESTING"}
        env |= {"PORTAL_DEMO": "1", "CLOCK_SHIFT_FILE": str(var / "clock-shift"), "CLOCK_SECONDS": "1"}
        roster = var / play.ROSTER
        for words in PREPARE:
            _run(env, "manage.py", *words)
        _run({**env, "PORTAL_AS_OWNER": "1"}, "-m", "tests.stage", str(roster))
        _run(env, "manage.py", "collectstatic", "--noinput", "-v0")
        with (
            portal_processes(env, var=var, port=port, web_workers=1, workers=1) as portal,
            stores.captchas(env) as captcha,
        ):
            yield Stage(portal, var, env, play.candidates(roster), captcha)


def _run(env: dict[str, str], *words: str) -> None:
    done = subprocess.run(
        [sys.executable, *words], cwd=ROOT, env=env, check=False, capture_output=True, text=True
    )
    if done.returncode:
        raise Failure(f"{' '.join(words)}: {done.stderr[-2000:]}")


def fill(roster: Path) -> None:
    """Write the staff of the cast and the applicants."""
    from tenants import crossing
    from tenants.models import Agency, User
    from tenants.provisioning import open_authority
    from tenants.roles import grant
    from tests import factories
    from tests.cast import STAFF

    with crossing.standing(crossing.Desk.OWNER):
        open_authority()
        agencies = {agency.code: agency for agency in Agency.objects.all()}
        for key, officer in STAFF.items():
            user = User.objects.create_staff(
                username=f"{key}.{officer.agency}", name=officer.name, password=play.PASSWORD
            )
            grant(user=user, agency=agencies[officer.agency], role=officer.role, by=None)
        rows = []
        for n in range(APPLICANTS):
            name, number = f"测试{'甲乙丙丁戊己庚辛壬癸子丑'[n]}", factories.id_number(date(1990, 1, 1 + n))
            person = factories.person(name, number)
            result = factories.qualification(person)
            rows.append(
                {
                    "姓名": name,
                    "证件类型": "01",
                    "证件号码": number,
                    "资格证书编号": result.certificate_number,
                    "考试年度": result.exam_year,
                    "备注": play.FIRST_TIME_NOTE,
                }
            )
    with roster.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    django.setup()
    fill(Path(sys.argv[1]))
