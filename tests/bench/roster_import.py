"""How fast 100,000 rows of an exam roster come into the register, beside a plain COPY of the same file.

All of them are people the register does not know yet, which is the dearest case: each row makes an account, a
person with a sealed number, and a qualification, with fourteen entries in indexes. Prints one line of JSON:

- `rows_per_s` is the write path, from the officer's decision to the commit; `check_rows_per_s` the check
  before it, `whole_rows_per_s` both together;
- `copy_rows_per_s` is a COPY of the same file into a table of the same columns that has no index at all,
  `keyed_copy_rows_per_s` into one with the four indexes of the book of qualifications, in the same database
  and the same run, before and after the import, the better of the two;
- `ratio` and `keyed_ratio` are the write path beside these, `peak_mb` by how much the worker grew at most.

Real walls, real commits, a process of its own as a worker has it; run by `bin/bench roster_import`.
`ROSTER_ROWS` takes another number of rows.
"""

from __future__ import annotations

import csv
import io
import json
import os
import resource
import sys
import time
from datetime import date, timedelta
from multiprocessing import get_context
from typing import Any, Final

from tests.bench.queue_size import ground

ROWS: Final = int(os.environ.get("ROSTER_ROWS", "100000"))
LIMIT: Final = {"ratio": 0.2, "peak_mb": 300}
HEADS: Final = (
    *("姓名", "证件类型", "证件号码", "资格证书编号", "管理号", "考试年度", "发证日期", "发证机关"),
    "专业类别",
)
COLUMNS: Final = "name text, type text, document text, certificate text, management text, year text, day text, issuer text, category text"  # noqa: E501
KEYS: Final = (
    "ALTER TABLE plain ADD COLUMN id uuid PRIMARY KEY DEFAULT gen_random_uuid()",
    "CREATE UNIQUE INDEX ON plain (certificate)",
    "CREATE INDEX ON plain (certificate varchar_pattern_ops)",
    "CREATE INDEX ON plain (document)",
)


def main() -> int:
    """Measure once and say it in one line."""
    with ground():
        from django.db import connection

        data = _file()
        told: dict[str, Any] = {"rows": ROWS}
        copies = {keyed: _copied(data, keyed=keyed) for keyed in (False, True)}
        connection.close()
        ours, theirs = get_context("fork").Pipe(duplex=False)
        worker = get_context("fork").Process(target=_import, args=(data, theirs))
        worker.start()
        theirs.close()
        told |= ours.recv()
        worker.join()
        copies = {keyed: max(rate, _copied(data, keyed=keyed)) for keyed, rate in copies.items()}
        connection.close()
    told |= {"copy_rows_per_s": round(copies[False]), "keyed_copy_rows_per_s": round(copies[True])}
    told["ratio"] = round(told["rows_per_s"] / copies[False], 3)
    told["keyed_ratio"] = round(told["rows_per_s"] / copies[True], 3)
    print(json.dumps(told | {"limit": LIMIT}), flush=True)
    return int(told["ratio"] < LIMIT["ratio"] or told["peak_mb"] >= LIMIT["peak_mb"])


def _file() -> bytes:
    """People of no place on earth, each with a certificate of last year's exam."""
    from register import clock, documents

    file, year = io.StringIO(newline=""), clock.today().year - 1
    writer = csv.writer(file)
    writer.writerow(HEADS)
    for n in range(ROWS):
        born = date(1960, 1, 1) + timedelta(days=n % 14_000)
        number = documents.with_check_digit(f"110000{born:%Y%m%d}{2 * (n // 14_000):03d}")
        name = "测" + chr(0x4E00 + n % 20_000) + chr(0x4E00 + n // 7 % 20_000)
        day = f"{year}-{1 + n % 12:02d}-10"
        writer.writerow(
            (name, "居民身份证", number, f"CS{n:010d}", f"{n:012d}", year, day, "示例考试中心", "")
        )
    return file.getvalue().encode()


def _copied(data: bytes, *, keyed: bool) -> float:
    """Rows a second of a COPY of the same file."""
    from django.db import connection

    from tenants import crossing
    from tenants.crossing import Desk

    with crossing.standing(Desk.OWNER), connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLE plain ({COLUMNS})")
        for statement in KEYS if keyed else ():
            cursor.execute(statement)
        names = ", ".join(each.split()[0] for each in COLUMNS.split(", "))
        begun = time.perf_counter()
        with cursor.copy(f"COPY plain ({names}) FROM STDIN (FORMAT csv, HEADER true)") as copy:
            for start in range(0, len(data), 1 << 16):
                copy.write(data[start : start + (1 << 16)])
        took = time.perf_counter() - begun
        cursor.execute("DROP TABLE plain")
    return ROWS / took


def _import(data: bytes, answer: Any) -> None:
    """The way of a job through a worker."""
    from register import roster_jobs, rosters
    from register.models import RosterJob
    from register.rosters import What
    from tenants import crossing
    from tenants.crossing import Desk
    from tests.cast import raised

    roster_jobs.ring = lambda job_id: None
    with crossing.standing(Desk.OWNER):
        by = raised().user("zhou")
    with crossing.standing(Desk.AUTHORITY):
        rosters.preview(data[: data.index(b"\n", 2_000) + 1], "warm.csv", What.QUALIFICATIONS)
        before, busy = _size(), time.process_time()
        job = roster_jobs.upload(data=data, name="roster.csv", what=What.QUALIFICATIONS, by=by)
        begun = time.perf_counter()
        roster_jobs.work(job.pk)
        checked, check_busy = time.perf_counter(), time.process_time()
        found = RosterJob.objects.only("findings").get(pk=job.pk).findings
        assert not found["errors"], found["errors"][:3]
        roster_jobs.decide(job.pk, by=by, skip_bad_rows=False)
        decided = time.perf_counter()
        roster_jobs.work(job.pk)
        done, write_busy = time.perf_counter(), time.process_time()
        job.refresh_from_db(fields=["stage", "result", "findings", "fault"])
    assert (job.stage, job.result.get("new")) == ("done", ROWS), (job.stage, job.fault, job.findings)
    answer.send(
        {
            "rows_per_s": round(ROWS / (done - decided)),
            "check_rows_per_s": round(ROWS / (checked - begun)),
            "whole_rows_per_s": round(ROWS / (done - decided + checked - begun)),
            "check_cpu_s": round(check_busy - busy, 1),
            "write_cpu_s": round(write_busy - check_busy, 1),
            "peak_mb": round(_size() - before),
        }
    )


def _size() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    sys.exit(main())
