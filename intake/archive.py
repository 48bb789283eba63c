"""The archive of a case (电子卷宗) with the pages of its uploaded papers, for the officer who ordered it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from django.utils.translation import gettext as _

from intake.models import Paper, PaperPage
from register import people
from register.uploads import JPEG
from review import looks, prints
from review.documents import archive
from review.models import Case
from review.prepared import PDF, Product, Progress
from tenants.errors import Refusal
from tenants.models import AUTHORITY_CODE, Agency, PreparedFile


def write(order: PreparedFile, progress: Progress) -> Product:
    """The ordered archive, with full number and papers where these were asked for.

    Raises `Refusal` when the case is gone, or its number is no longer the orderer's to see.
    """
    case = Case.objects.prefetch_related("opinions").filter(pk=order.wish["case"]).first()
    if case is None:
        raise Refusal(_("这件案卷已不在本机构。"), code="gone")
    if order.full and not looks.may_see_number(case, prints.orderer(order)):
        said = _(
            "您现在不能查看这件案卷的完整证件号码和材料，卷宗没有生成。请在案卷中重新要求不含这些内容的卷宗。"
        )
        raise Refusal(said, code="not_allowed")
    shown = [case] if order.full else []
    with TemporaryDirectory() as folder:
        file = Path(folder) / "archive.pdf"
        archive.archive_of(
            case,
            file,
            agency=order.agency,
            authority=Agency.objects.get(code=AUTHORITY_CODE),
            by=order.user.display_name,
            number=people.number_for_form(case.person) if order.full else None,
            pages_of=pages_of if order.full else None,
            on_step=progress,
        )
        name = _("电子卷宗-{reference}.pdf").format(reference=case.reference)
        noted = looks.on_record(shown, by=order.user, agency=order.agency, reason=order.reason)
        return Product(name, PDF, file.read_bytes(), noted)


def pages_of(line: Mapping[str, Any]) -> Iterator[bytes]:
    """The pages of a paper as a dossier names it, one at a time."""
    if line["content_type"] == JPEG:
        yield bytes(Paper.objects.values_list("data", flat=True).get(pk=line["id"]))
        return
    for number in range(1, line["pages"] + 1):
        page = PaperPage.objects.values_list("data", flat=True)
        yield bytes(page.get(paper_id=line["id"], number=number))
