"""Saved views of a queue: its tab and filters under a name, one's own or shared with the desk."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final
from urllib.parse import urlencode

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.http import QueryDict
from django.utils.translation import gettext as _

from register import clock
from review.queue import Wish, numbers_in
from tenants.errors import Refusal
from tenants.models import Agency, SavedView, User

MOST_VIEWS: Final = 30
# A view is about kinds of work, not about one person, and starts at the top of its list.
KEPT: Final = ("tab", *(field.name for field in fields(Wish) if field.name != "document"))


@dataclass(frozen=True, slots=True)
class Shown:
    """A saved view above the list."""

    name: str
    query: str
    by: str
    current: bool


def shown_to(user: User, agency: Agency, *, chosen: dict[str, str]) -> list[Shown]:
    """The views somebody may choose from: the own ones first, then what colleagues share; one query."""
    views = list(_open_to(user, agency).select_related("user"))
    views.sort(key=lambda view: view.user_id != user.pk)
    return [
        Shown(
            view.name,
            view.query,
            "" if view.user_id == user.pk else view.user.display_name,
            QueryDict(view.query).dict() == chosen,
        )
        for view in views
    ]


def own(user: User, agency: Agency) -> QuerySet[SavedView]:
    """The views that somebody keeps at this desk."""
    return SavedView.objects.filter(agency=agency, user=user)


def keep(*, user: User, agency: Agency, name: str, query: str, shared: bool) -> SavedView:
    """Keep a tab and its filters under a name.

    Raises `Refusal` where the name is taken or too many views are kept already.
    """
    if own(user, agency).count() >= MOST_VIEWS:
        raise Refusal(_("最多保存 {n} 个视图，请先删除不用的。").format(n=MOST_VIEWS), code="too_many")
    view = SavedView(
        agency=agency,
        user=user,
        name=name,
        query=kept_of(query),
        shared=shared,
        created_at=clock.now(),
    )
    return _stored(view)


def change(view: SavedView, *, name: str, shared: bool) -> SavedView:
    """Give a view another name, or share it. Raises `Refusal` where the name is taken."""
    view.name, view.shared = name, shared
    return _stored(view)


def kept_of(query: str) -> str:
    """What of a queue's address is kept. A document number in it is left out."""
    asked = QueryDict(query)
    kept = {name: asked[name] for name in KEPT if asked.get(name)}
    if _is_number(kept.get("search", "")):
        del kept["search"]
    return urlencode(kept)[:1000]


def _is_number(text: str) -> bool:
    try:
        return bool(numbers_in(text))
    except ValidationError:
        return True


def _open_to(user: User, agency: Agency) -> QuerySet[SavedView]:
    return SavedView.objects.filter(Q(user=user) | Q(shared=True), agency=agency)


def _stored(view: SavedView) -> SavedView:
    try:
        with transaction.atomic():
            view.save()
    except IntegrityError:
        raise Refusal(_("您已经有一个同名的视图，请换一个名称。"), code="name") from None
    return view
