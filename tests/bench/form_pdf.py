"""How long the form's PDF and Word file take, beside WeasyPrint alone on the same HTML.

The answer of the page (session, person, draft, checks, template, drawing) may take at most 1.2 times as long
as WeasyPrint needs for the same document with the same fonts and style sheet, both warm. `bin/bench form_pdf`
prints a JSON line for each length of the form; its exit code says whether that holds.
"""

from __future__ import annotations

import io
import json
import sys
import time
from collections.abc import Callable
from statistics import median
from typing import Any, Final

from tests.bench.signin_time import ground

RUNS: Final = 24
LIMIT: Final = 1.2
# Rows of work experience: two pages, three and a blank one, four.
ROWS: Final = (4, 12, 30)


def main() -> int:
    with ground():
        ratios = [measure(rows) for rows in ROWS]
    return 0 if max(ratios) <= LIMIT else 1


def measure(rows: int) -> float:
    """One length of the form, run by run beside each other; answers the median of the page over WeasyPrint.

    Each run is compared with its neighbour, so that other work on the machine slows both alike.
    """
    from pypdf import PdfReader

    ways = ways_of(rows)
    for way in ways.values():
        way()
    runs = [_timed(ways, backwards=bool(turn % 2)) for turn in range(RUNS)]
    ratio = median(taken["page"] / taken["weasyprint"] for taken in runs)
    told = {
        "bench": "form_pdf",
        "rows": rows,
        "pages": len(PdfReader(io.BytesIO(ways["page"]())).pages),
        "runs": RUNS,
        **{f"{name}_ms": round(median(taken[name] for taken in runs) * 1000, 1) for name in ways},
        "ratio": round(ratio, 3),
        "limit": LIMIT,
    }
    print(json.dumps(told), flush=True)
    return ratio


def _timed(ways: dict[str, Callable[[], bytes]], *, backwards: bool) -> dict[str, float]:
    """Seconds that each way takes, one after another."""
    taken = {}
    for name in reversed(ways) if backwards else ways:
        begun = time.perf_counter()
        ways[name]()
        taken[name] = time.perf_counter() - begun
    return taken


def ways_of(rows: int) -> dict[str, Callable[[], bytes]]:
    """The page, the drawing alone, WeasyPrint alone, and the Word file, each for the same draft."""
    from intake import filing, prints
    from intake.flows import Section
    from register import printing
    from review.documents import forms
    from tenants import crossing
    from tenants.crossing import Desk
    from tenants.models import Agency
    from tests import factories
    from tests.intake.desk import EXPERIENCE, add_row, entered, filled

    person = factories.person("某测试")
    factories.qualification(person)
    with crossing.standing(Desk.APPLICANT), crossing.acting_as(person.pk):
        draft = filled(person, Agency.objects.get(code="beijing"))
        for row in range(1, rows):
            month = {"from": f"{2014 - row // 12}-{row % 12 + 1:02d}", "to": "2014-06"}
            add_row(application=draft, section=Section.EXPERIENCE, row={**EXPERIENCE, **month})
        found = filing.application_of(person, draft.pk, to_print=True)
        printout = prints.printout_of(found) if found else None
        if printout is None:
            raise SystemExit("There is nothing to print.")
        added = printout.added()
    html = forms.form_html(printout.content, **added)
    client = entered(person)

    def page() -> bytes:
        return answered(client.get(f"/applications/{draft.pk}/form.pdf"))

    def word() -> bytes:
        return answered(client.get(f"/applications/{draft.pk}/form.docx"))

    def drawing() -> bytes:
        return forms.form_pdf(printout.content, **added)

    def weasyprint() -> bytes:
        engine = printing._engine()
        document = engine.HTML(string=html, url_fetcher=printing._refusing())
        written: bytes = document.write_pdf(
            font_config=printing._fonts(),
            counter_style=printing._counters(),
            stylesheets=[printing._stylesheet()],
            pdf_variant=printing.VARIANT,
            pdf_tags=True,
        )
        return written

    return {"drawing": drawing, "page": page, "weasyprint": weasyprint, "word": word}


def answered(answer: Any) -> bytes:
    if answer.status_code != 200:
        raise SystemExit(f"{answer.request['PATH_INFO']} answered {answer.status_code}.")
    content: bytes = answer.content
    return content


if __name__ == "__main__":
    sys.exit(main())
