"""What came for a member of the staff and is not read yet, told in one line above the queue."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.db.models import Count
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from notifications.models import Notice
from tenants.models import User

# Kinds of notices to staff, the most pressing first, as they are called in the line.
WORDS: Final[dict[str, str | Promise]] = {
    "staff_due_tomorrow": _("明日到期"),
    "staff_remanded": _("终审退回"),
    "staff_resubmitted": _("补正已回"),
    "assigned": _("新分派"),
}


@dataclass(frozen=True, slots=True)
class Waiting:
    """So many unread notices of one kind."""

    kind: str
    word: str | Promise
    count: int


def waiting(user: User) -> list[Waiting]:
    """The kinds of which something is unread; one query."""
    unread = Notice.objects.filter(user=user, read_at__isnull=True, kind__in=WORDS).order_by()
    found = dict(unread.values_list("kind").annotate(Count("pk")))
    return [Waiting(kind, word, found[kind]) for kind, word in WORDS.items() if kind in found]
