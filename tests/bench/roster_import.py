"""How fast 100,000 rows of an exam roster come into the register, beside a COPY of the same file.

All of them are people the register does not know yet, which is the dearest case: each row makes an account, a
person with a sealed number, and a qualification, with sixteen entries in indexes and two foreign keys. Prints
a line of JSON for a CSV file and another one for a workbook of other people:

- `rows_per_s` is the write path, from the officer's decision to the commit; `check_rows_per_s` the check
  before it, `whole_rows_per_s` both together;
- `copy_rows_per_s` is a COPY of the same rows into a table of the same columns that has no index at all,
  `keyed_copy_rows_per_s` into one with a primary key and the indexes that the register has on certificate
  and document number, in the same database and the same run, before and after, the better of the two;
- `ratio` is the write path beside the COPY with keys, `whole_ratio` the check and the write together beside
  it, `bare_ratio` the write path beside the bare one; `peak_mb` is by how much the worker grew at most.

A table without any key finds nobody and keeps nothing apart, so the exit code goes by the COPY with keys, and
by the write path, which is what a COPY does; the other figures stand beside it to be seen.

What bounds it, in microseconds a row, measured once on two cores with little else to do: the check spends 40
on reading and understanding the cells (half of it on the document number: check digit, what it tells, keyed
digest), 10 on packing the rows, 6 on comparing; the write 5 on unpacking, 7 on comparing once more, and the
database 54 on the prepared columns alone: 31 for accounts and people, 10 for certificates, 13 for the foreign
keys at the end. A COPY with keys took 15 to 22 on the same machine. Without eight of the seventeen indexes
the database took about a fifth less in a rough trial, without the three pattern indexes or those of empty
keys no less than the trial's own noise: they stay.

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
from collections.abc import Iterator
from datetime import date, timedelta
from itertools import islice
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any, Final

from openpyxl.workbook.workbook import Workbook

from tests.bench.queue_size import ground

if TYPE_CHECKING:
    from tenants.models import User

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
    "CREATE UNIQUE INDEX ON plain (document)",
    "CREATE INDEX ON plain (document varchar_pattern_ops)",
)


def main() -> int:
    """Measure both kinds of file and say each in one line."""
    with ground():
        from django.db import connection

        from tenants import crossing
        from tenants.crossing import Desk
        from tests.cast import raised

        with crossing.standing(Desk.OWNER):
            by = raised().user("zhou")
        lines = []
        for name, first in (("roster.csv", 0), ("roster.xlsx", ROWS)):
            rows = list(_rows(first))
            plain = _csv(rows)
            data = plain if name.endswith(".csv") else _xlsx(rows)
            del rows
            copies = {keyed: _copied(plain, keyed=keyed) for keyed in (False, True)}
            connection.close()
            told = _apart(data, name, by)
            copies = {keyed: max(rate, _copied(plain, keyed=keyed)) for keyed, rate in copies.items()}
            connection.close()
            lines.append(_line(name, told, bare=copies[False], keyed=copies[True]))
            print(json.dumps(lines[-1]), flush=True)
    return int(any(each["ratio"] < LIMIT["ratio"] or each["peak_mb"] >= LIMIT["peak_mb"] for each in lines))


def _line(name: str, told: dict[str, Any], *, bare: float, keyed: float) -> dict[str, Any]:
    return {
        "file": name,
        "rows": ROWS,
        **told,
        "copy_rows_per_s": round(bare),
        "keyed_copy_rows_per_s": round(keyed),
        "ratio": round(told["rows_per_s"] / keyed, 3),
        "whole_ratio": round(told["whole_rows_per_s"] / keyed, 3),
        "bare_ratio": round(told["rows_per_s"] / bare, 3),
        "limit": LIMIT,
    }


def _apart(data: bytes, name: str, by: User) -> dict[str, Any]:
    """Import a file in a process of its own, whose memory is only that."""
    ours, theirs = get_context("fork").Pipe(duplex=False)
    worker = get_context("fork").Process(target=_import, args=(data, name, by, theirs))
    worker.start()
    theirs.close()
    told: dict[str, Any] = ours.recv()
    worker.join()
    return told


def _rows(first: int) -> Iterator[tuple[str, ...]]:
    """People of no place on earth, each with a certificate of last year's exam."""
    from register import clock, documents

    year = clock.today().year - 1
    for n in range(first, first + ROWS):
        born = date(1960, 1, 1) + timedelta(days=n % 14_000)
        number = documents.with_check_digit(f"110000{born:%Y%m%d}{500 + 2 * (n // 14_000)}")
        name = "测" + chr(0x4E00 + n % 20_000) + chr(0x4E00 + n // 7 % 20_000)
        day = f"{year}-{1 + n % 12:02d}-10"
        yield name, "居民身份证", number, f"CS{n:010d}", f"{n:012d}", str(year), day, "示例考试中心", ""


def _csv(rows: list[tuple[str, ...]]) -> bytes:
    file = io.StringIO(newline="")
    csv.writer(file).writerows((HEADS, *rows))
    return file.getvalue().encode()


def _xlsx(rows: list[tuple[str, ...]]) -> bytes:
    book = Workbook(write_only=True)
    sheet = book.create_sheet()
    for row in (HEADS, *rows):
        sheet.append(row)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


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


def _import(data: bytes, name: str, by: User, answer: Any) -> None:
    """The way of a job through a worker."""
    from register import roster_jobs, rosters
    from register.models import RosterJob
    from register.rosters import What
    from tenants import crossing
    from tenants.crossing import Desk

    roster_jobs.ring = lambda job_id: None
    with crossing.standing(Desk.AUTHORITY):
        rosters.preview(_csv(list(islice(_rows(0), 20))), "warm.csv", What.QUALIFICATIONS)
        before, busy = _size(), time.process_time()
        job = roster_jobs.upload(data=data, name=name, what=What.QUALIFICATIONS, by=by)
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
