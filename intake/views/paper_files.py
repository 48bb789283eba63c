"""The bytes of an uploaded paper as an answer: whoever calls has made sure that the reader may see it.

The files were written anew when they came in; the headers see to it that nothing in them could act anyway.
"""

from __future__ import annotations

from django.http import Http404, HttpResponse

from intake.models import Paper, PaperPage
from register.uploads import JPEG
from review.views.proofs import answer


def whole(paper: Paper, reference: str) -> HttpResponse:
    """The file as it is kept: a picture is shown, a PDF is saved (browsers show none in a sandbox)."""
    return answer(_name(paper, reference), bytes(paper.data), paper.content_type)


def page(paper: Paper, reference: str, number: int) -> HttpResponse:
    """One page as a picture; a page that does not exist is not found."""
    if paper.content_type == JPEG and number == 1:
        return answer(_name(paper, reference), bytes(paper.data), JPEG)
    found = PaperPage.objects.filter(paper=paper, number=number).first()
    if found is None:
        raise Http404
    return answer(f"{_name(paper, reference)}-{number}", bytes(found.data), JPEG)


def thumbnail(paper: Paper, reference: str) -> HttpResponse:
    """The first page, small."""
    return answer(f"{_name(paper, reference)}-small", bytes(paper.thumbnail), JPEG)


def _name(paper: Paper, reference: str) -> str:
    """A name of our own: what the file was called at home may say more than a file name should."""
    return f"{reference}-{paper.code}"
