"""Ten thousand decisions over forty agencies while the portal's parts are killed, stopped and taken away.

One JSON line for each fault; exit code 1 when a decision, a notice or an e-mail was lost or came twice.
Drawing letters takes longer than the decisions themselves: they are drawn where the fault is about them.
`FAULT_DECISIONS` (1000) decisions for each, `FAULT_AGENCIES` (40); `FAULTS` names the faults, divided by |.
"""

from __future__ import annotations

import json
import os
import sys

import django


def main() -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    django.setup()
    from tests.faults.house import house
    from tests.faults.table import BY_NAME, FAULTS, at_the_end, go_through, is_good

    decisions = int(os.environ.get("FAULT_DECISIONS", "1000"))
    agencies = int(os.environ.get("FAULT_AGENCIES", "40"))
    wished = [BY_NAME[name] for name in os.environ.get("FAULTS", "").split("|") if name] or FAULTS
    lines = []
    for letters in (True, False):
        faults = [fault for fault in wished if fault.about_letters is letters]
        if not faults:
            continue
        with house("faults", agencies=agencies, own_database=True, letters=letters) as home:
            for fault in faults:
                lines.append(go_through(home, fault, decisions=decisions))
                print(json.dumps(lines[-1], ensure_ascii=False), flush=True)
            if letters:
                lines.append(at_the_end(home))
                print(json.dumps(lines[-1], ensure_ascii=False), flush=True)
    return 0 if all(map(is_good, lines)) else 1


if __name__ == "__main__":
    sys.exit(main())
