"""The slip for papers handed in over the counter (材料签收单), twice on a sheet: for file and bearer."""

from __future__ import annotations

from typing import Final

from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.translation import override

from register.models import Kind
from register.printing import qr_svg, render_pdf
from review import papers
from review.documents import wording
from review.models import Case, PaperSlip
from tenants.models import Agency

# More papers than these, and each copy has a page of its own.
MOST_ON_HALF_A_PAGE: Final = 7
COPIES: Final = ("第一联　机构存档", "第二联　交递交人")


def slip_pdf(case: Case, slip: PaperSlip, *, agency: Agency, missing: tuple[str, ...] = ()) -> bytes:
    """The slip on A4. `missing` are the papers still to be handed in, as of now."""
    with override("zh-hans"):
        return render_pdf(render_to_string("print/paper_slip.html", _context(case, slip, agency, missing)))


def _context(case: Case, slip: PaperSlip, agency: Agency, missing: tuple[str, ...]) -> dict[str, object]:
    lines = papers.lines_of(slip)
    number = papers.number_of(case, slip)
    at = timezone.localtime(slip.received_at)
    return {
        "title": "材料签收单",
        "reference": case.reference,
        "number": number,
        "agency": agency,
        "case": case,
        "name": wording.printable(case.applicant_name),
        "kind": str(Kind(case.kind).label),
        "slip": slip,
        "handed_by": wording.printable(slip.handed_by),
        "lines": [(line.label, line.copies, wording.printable(line.remark)) for line in lines],
        "total": sum(line.copies for line in lines),
        "missing": "、".join(missing),
        "date": wording.day(at.date()),
        "at": f"{wording.day(at.date())}{at:%H:%M}",
        "copies": COPIES,
        "apart": len(lines) > MOST_ON_HALF_A_PAGE,
        "qr": qr_svg(f"{case.reference}:SLIP{slip.number}".upper()),
    }
