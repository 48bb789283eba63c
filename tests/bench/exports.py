"""How long the export of 10,000 cases takes and how much memory, masked and with full numbers.

Real walls, real commits; run by `bin/bench exports`. Each file is written in a process of its own, as a
worker does it, so that the memory told is that of one export.
"""

from __future__ import annotations

import os
import resource
import sys
import time
from multiprocessing import get_context
from typing import Final

from tests.bench.queue_size import fill, ground

COUNT: Final = 10_000
WAYS: Final = (("xlsx", False), ("csv", False), ("xlsx", True))
PEOPLE: Final = 500


def main() -> int:
    """Write each kind once and say how it went."""
    with ground():
        _prepare()
        for form, full in WAYS:
            _in_a_process_of_its_own(form, full)
    return 0


def _prepare() -> None:
    from django.db import connection

    from register.models import Person
    from tenants import crossing
    from tenants.crossing import Desk
    from tenants.models import Agency
    from tests import factories
    from tests.cast import raised

    with crossing.standing(Desk.OWNER):
        cast = raised()
        people = [factories.person("某测试") for _n in range(PEOPLE)]
        for person in people:
            factories.docket_line(person, Agency.objects.get(code="beijing"), open=False, state="issued")
        keys = list(Person.objects.values_list("pk", flat=True))
    fill("beijing", COUNT, 2, cast.user("li").pk)
    with crossing.standing(Desk.OWNER), crossing.inside("beijing"), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE review_case SET person_id = (%s::uuid[])[1 + right(reference, 8)::int %% %s]",
            [keys, len(keys)],
        )
    connection.close()


def _in_a_process_of_its_own(form: str, full: bool) -> None:
    worker = get_context("fork").Process(target=_export, args=(form, full))
    worker.start()
    worker.join()
    if worker.exitcode:
        sys.exit(worker.exitcode)


def _export(form: str, full: bool) -> None:
    from register.tables import Form
    from review import exports, prepared
    from review.queue import CASES
    from review.tasks import prepare
    from review.workflow import Actor
    from tenants import crossing
    from tenants.crossing import Desk
    from tenants.models import AccessRecord, Agency, PreparedFile, User

    prepared.ring = lambda *_order: None
    agency = Agency.objects.get(code="beijing")
    with crossing.standing(Desk.AGENCY, agency):
        wang = User.objects.get(username="wang.beijing")
        by = Actor.staff(wang, agency=agency, held=frozenset({"supervisor"}))
        asked = {"by": by, "agency": agency, "user": wang, "tab": CASES.tab("all"), "wishes": {}}
        order = exports.ask(**asked, form=Form(form), full=full, reason="测量")  # type: ignore[arg-type]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begun, busy = time.perf_counter(), time.process_time()
    written = prepare(str(order.pk), "beijing")
    seconds, worked = time.perf_counter() - begun, time.process_time() - busy
    more = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    with crossing.standing(Desk.AGENCY, agency):
        file = PreparedFile.objects.get(pk=order.pk)
        looks = AccessRecord.objects.count()
    size = len(file.data or b"") / 1024
    print(
        f"{form} {'full' if full else 'masked'}: written {written}, {file.done} rows, {seconds:.1f} s "
        f"({worked:.1f} s of the processor), "
        f"{size:.0f} kB, {more:.0f} MB more memory, {looks} looks on record",
        flush=True,
    )


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    sys.exit(main())
