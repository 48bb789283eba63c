"""What an agency decides for itself: how it is reached, how papers come, who signs. Changes have an author.

The code, the number, the name and whether applications are taken in are the authority's to decide.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from tenants.errors import Refusal
from tenants.models import Agency, AgencyUserObjectPermission, SettingChange, User
from tenants.rolebook import MANAGER

# In the order of the page.
EDITABLE: Final = (
    "phone",
    "email",
    "address",
    "hours",
    "materials_mode",
    "countersign",
    "letter_head",
    "retention_years",
)
YES: Final = "yes"
NO: Final = "no"


class Overtaken(Refusal):
    """Somebody else changed the same settings meanwhile: what they are now, and who did it."""

    def __init__(self, now: Mapping[str, Any], by: Sequence[SettingChange]) -> None:
        super().__init__(_("您打开本页以后，有人更改了同一项设置。"), "overtaken")
        self.now = now
        self.by = {change.field: change for change in by}


def current(agency: Agency) -> dict[str, Any]:
    """The settings as they stand on this row."""
    return {name: getattr(agency, name) for name in EDITABLE}


def change_settings(
    *, agency: Agency, by: User, at: datetime, seen: Mapping[str, Any], **changes: Any
) -> list[SettingChange]:
    """Change settings of the agency, with one record for each; nothing is written where nothing changes.

    `seen` is what the manager had before the eyes. Raises `Overtaken`, and changes nothing, where one of
    these settings has become something else since; other settings may have changed.
    """
    if unknown := changes.keys() - set(EDITABLE):
        raise ValueError(f"Not an agency's own setting: {sorted(unknown)}")
    with transaction.atomic():
        row = Agency.objects.select_for_update(of=("self",)).get(pk=agency.pk)
        _require_manager(by, agency)
        stands = current(row)
        wanted = {name: value for name, value in changes.items() if stands[name] != value}
        if lost := [name for name in wanted if stands[name] != seen[name]]:
            raise Overtaken(stands, _latest(agency, lost))
        if not wanted:
            return []
        Agency.objects.filter(pk=agency.pk).update(**wanted)
        return SettingChange.objects.bulk_create(
            SettingChange(
                agency=agency, user=by, field=name, before=_stored(stands[name]), after=_stored(value), at=at
            )
            for name, value in sorted(wanted.items(), key=lambda item: EDITABLE.index(item[0]))
        )


def _require_manager(by: User, agency: Agency) -> None:
    held = AgencyUserObjectPermission.objects.filter(
        user=by, content_object=agency, permission__codename=MANAGER.code
    )
    if not by.is_active or not held.exists():
        raise Refusal(_("您没有办理此事项的权限。"), "role")


def _latest(agency: Agency, names: Sequence[str]) -> list[SettingChange]:
    """The latest change of each of these settings."""
    found = changes_of(agency).filter(field__in=names).order_by("field", "-id")
    return list(found.distinct("field"))


def _stored(value: Any) -> str:
    if isinstance(value, bool):
        return YES if value else NO
    return str(value)


# --- The record ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Record:
    """A page of the record of changes, the latest first, and where the next one begins."""

    rows: Sequence[SettingChange]
    older: int | None


def changes_of(agency: Agency) -> QuerySet[SettingChange]:
    """Every change of this agency's settings, with who made it."""
    return SettingChange.objects.filter(agency=agency, field__in=EDITABLE).select_related("user")


def record(agency: Agency, *, older_than: str = "", size: int = 20) -> Record:
    """One page of the record; an address that names no place starts at the top."""
    rows = changes_of(agency).order_by("-id")
    if older_than.isascii() and older_than.isdecimal() and len(older_than) < 18:
        rows = rows.filter(pk__lt=int(older_than))
    found = list(rows[: size + 1])
    return Record(found[:size], found[size - 1].pk if len(found) > size else None)
