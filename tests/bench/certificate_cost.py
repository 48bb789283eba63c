"""What a certificate costs a warm worker: drawing and signing in CPU time, and memory over a hundred.

CPU time, so that other work on the machine does not count; ten certificates beforehand load fonts, style
sheet and key. `bin/bench certificate_cost` prints one line of JSON; its exit code says whether the memory of
the process stays flat (a worker that grew without end would have to be started anew).
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path
from statistics import median
from typing import Final

from tests.bench.queue_size import ground

CERTIFICATES: Final = 100
# After so many the process has what it needs; what it takes from there on is growth.
WARM: Final = 10
# Mebibytes by which it may grow over the rest.
MOST_GROWTH: Final = 20.0


def resident() -> float:
    """Mebibytes of this process in memory now."""
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * resource.getpagesize() / 2**20


def main() -> int:
    with ground():
        from register import clock
        from register.certificates import codes, sheet, signing
        from register.models import Certificate
        from tenants import crossing
        from tenants.crossing import Desk
        from tests import cast as people
        from tests import certificates, factories
        from tests.intake import files

        certificates.key()
        cast = people.raised()
        person = cast.zhang
        person.photo = factories.photo(person, files.saved(files.head(295, 413)))
        person.save()
        registration = factories.registration(person, cast.beijing, number="26001000001")
        drawing, signing_took, size, memory = [], [], 0, 0.0
        with crossing.standing(Desk.AUTHORITY):
            for turn in range(WARM + CERTIFICATES):
                if turn == WARM:
                    memory = resident()
                edition = sheet.Edition(
                    number=1, occasion=Certificate.Occasion.GRANT, code=codes.draw(), on=clock.today()
                )
                begun = time.process_time()
                drawn = sheet.draw(registration, edition)
                between = time.process_time()
                size = len(signing.sign(drawn))
                drawing.append((between - begun) * 1000)
                signing_took.append((time.process_time() - between) * 1000)
        growth = resident() - memory
    told = {
        "bench": "certificate_cost",
        "certificates": CERTIFICATES,
        "first_ms": round(drawing[0] + signing_took[0], 1),
        "draw_cpu_ms": round(median(drawing[WARM:]), 1),
        "sign_cpu_ms": round(median(signing_took[WARM:]), 1),
        "bytes": size,
        "memory_mib": round(memory, 1),
        "growth_mib": round(growth, 1),
        "limit_mib": MOST_GROWTH,
    }
    print(json.dumps(told), flush=True)
    return 0 if growth <= MOST_GROWTH else 1


if __name__ == "__main__":
    sys.exit(main())
