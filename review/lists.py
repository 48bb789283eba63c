"""Long lists as files, whoever orders them: how many lines one file may have, and all of them in one look."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Final, TypeVar

from django.db.models import Model, QuerySet
from django.utils.translation import gettext as _

from tenants.errors import Refusal

M = TypeVar("M", bound=Model)
MOST: Final = 200_000
# More looks at full numbers than these nobody can answer for.
MOST_FULL: Final = 20_000


def counted(asked: QuerySet[M], *, nothing: str, full: bool = False, most: int = MOST) -> int:
    """How many lines a file of these rows has; asked when it is ordered and again when it is written.

    `full`: with full document numbers. Raises `Refusal` for too many, and for none in words.
    """
    most = min(most, MOST_FULL) if full else most
    return within(asked.order_by()[: most + 1].count(), nothing=nothing, most=most)


def within(total: int, *, nothing: str, most: int = MOST) -> int:
    """The same for lines that were counted, as far as `most` and one more."""
    if not total:
        raise Refusal(nothing, code="nothing")
    if total > most:
        raise Refusal(
            _("一次最多导出 {most} 条，符合条件的超过此数。请缩小筛选范围。").format(most=most),
            code="too_many",
        )
    return total


def batches(asked: QuerySet[M], *, size: int) -> Iterator[list[M]]:
    """All rows out of one look, so many at a time: the database keeps what it found until the end."""
    rows = asked.iterator(chunk_size=size)
    while batch := list(islice(rows, size)):
        yield batch
