"""The summary list of a dispatch with many people as a prepared PDF (申请注册人员汇总表).

Drawing takes some 45 ms a person: a short list is drawn while the officer waits, a long one by a task.
"""

from __future__ import annotations

from typing import Final

from django.utils.translation import gettext as _

from review import dispatched, prepared
from review.dispatching import SummaryList, summary_of
from review.documents import summaries
from review.models import Dispatch
from review.prepared import PDF, Product, Progress
from review.prints import orderer
from tenants import crossing
from tenants.errors import Refusal
from tenants.models import Agency, PreparedFile, User
from tenants.rolebook import READS_CASES

# So many people are drawn while the officer waits.
AT_ONCE: Final = 50
SUMMARY_LIST: Final = "dispatch_summary"


def is_long(summary: SummaryList) -> bool:
    """Whether drawing the list takes longer than a page should."""
    return len(summary.lines) > AT_ONCE


def ask(summary: SummaryList, *, agency: Agency, user: User) -> PreparedFile:
    """Order the list as a PDF at the desk of `agency`. Raises `Refusal` while too many orders wait."""
    number = summary.dispatch.number
    return prepared.ask(
        agency=agency,
        user=user,
        kind=PreparedFile.Kind.PRINTS,
        wish={
            "what": SUMMARY_LIST,
            "title": _("报送批次 {number} 汇总表").format(number=number),
            "number": number,
        },
        total=len(summary.lines),
    )


def write(order: PreparedFile, progress: Progress) -> Product:
    """The ordered list, for whoever may still read it at the desk of the order."""
    if not orderer(order).roles & READS_CASES:
        raise Refusal(_("您没有查看案卷的权限。"), code="not_allowed")
    number = order.wish["number"]
    sender = dispatched.sender_of(number) if order.agency.is_authority else order.agency
    if sender is None:
        raise Refusal(_("找不到这个报送批次。"), code="gone")
    progress(0)
    with crossing.inside(sender):
        summary = summary_of(Dispatch.objects.get(number=number))
        drawn = summaries.summary_pdf(summary, sender)
    return Product(f"{number}.pdf", PDF, drawn)
