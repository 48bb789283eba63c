"""What an applicant finds in the file of a lodged application: its versions and how they differ.

A version never changes; each correction that is answered adds one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from register import codes
from register.models import DocketEntry
from review import checklist, sections
from review.documents import forms
from review.models import Dossier
from tenants import crossing

Text = str | Promise
Content = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that a new version says differently: what, before and now."""

    label: Text
    before: str
    after: str
    # Papers stand beside the form: it need not be signed anew for them.
    on_form: bool = True


@dataclass(frozen=True, slots=True)
class Reply:
    """What the applicant answered to one item of a correction."""

    label: Text
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """A dossier version as it was lodged."""

    number: int
    lodged_at: datetime
    digest: str
    changes: tuple[Change, ...] = ()
    replies: tuple[Reply, ...] = ()

    @property
    def digest_short(self) -> str:
        """The check code (校验码) as it stands on every print."""
        return forms.short_digest(self.digest)

    @property
    def form_changed(self) -> bool:
        """Whether the form says something else than the version before: then it was signed anew."""
        return any(change.on_form for change in self.changes)


def versions_of(entry: DocketEntry) -> list[Version]:
    """The versions of an application, oldest first: one query inside its agency."""
    with crossing.inside(entry.agency):
        found = Dossier.objects.filter(case_id=entry.case_id).order_by("version")
        dossiers = list(found.only("version", "lodged_at", "digest", "content"))
    befores: list[Dossier | None] = [None, *dossiers[:-1]]
    return [_version(one, before) for one, before in zip(dossiers, befores, strict=False)]


def _version(dossier: Dossier, before: Dossier | None) -> Version:
    answers: list[dict[str, str]] = dossier.content.get("answers") or []
    return Version(
        number=dossier.version,
        lodged_at=dossier.lodged_at,
        digest=dossier.digest,
        changes=tuple(differences(before.content, dossier.content)) if before else (),
        replies=tuple(Reply(sections.item_label(one["item"]), one["text"]) for one in answers),
    )


def differences(before: Content, after: Content) -> Iterator[Change]:
    """What the form says differently, in the form's order."""
    for item in checklist.ITEMS:
        old, new = before.get(item.key), after.get(item.key)
        if old != new:
            yield from _in_section(item, before, after)


def _in_section(item: checklist.Item, before: Content, after: Content) -> Iterator[Change]:
    old, new = before.get(item.key), after.get(item.key)
    if item.key in sections.COLUMNS:
        yield from _in_rows(item, old or [], new or [])
    elif item.key == sections.PAPERS:
        yield Change(item.label, _papers(old or []), _papers(new or []), on_form=False)
    elif item.key == "photo":
        yield Change(item.label, "", str(_("已更换")))
    elif item.key in sections.FIELDS:
        yield from _in_fields(item, before, after)
    else:
        yield Change(item.label, str(old or ""), str(new or ""))


def _in_fields(item: checklist.Item, before: Content, after: Content) -> Iterator[Change]:
    old: Content = before.get(item.key) or {}
    new: Content = after.get(item.key) or {}
    for field in sections.fields_of(item.key, after):
        was, now = field.show(old.get(field.name)), field.show(new.get(field.name))
        if was != now:
            yield Change(sections.item_label(f"{item.key}.{field.name}"), was, now)


def _in_rows(item: checklist.Item, old: list[Content], new: list[Content]) -> Iterator[Change]:
    gone = [_row(item.key, row) for row in old if row not in new]
    added = [_row(item.key, row) for row in new if row not in old]
    yield Change(item.label, "\n".join(gone), "\n".join(added))


def _row(key: str, row: Content) -> str:
    shown = (column.show(row.get(column.name)) for column in sections.COLUMNS[key])
    return "，".join(filter(None, shown))


def _papers(papers: list[Content]) -> str:
    return "\n".join(codes.label("paper", paper["code"]) for paper in papers)
