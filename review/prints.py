"""The forms of many cases with their opinions in one PDF, for one trip to the printer."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from tempfile import TemporaryFile
from typing import Any, Final
from uuid import UUID

import pikepdf
from django.utils.translation import gettext as _

from register import clock, people
from review import looks, prepared
from review.documents import officer
from review.models import Case, Dossier
from review.prepared import PDF, Product, Progress
from review.workflow import Actor
from tenants import roles, staff
from tenants.errors import Refusal
from tenants.models import Agency, PreparedFile, User
from tenants.rolebook import HOLDS_CASES

# Each form brings its fonts along, some 400 kB.
MOST: Final = 200


def ask(*, cases: Sequence[Case], agency: Agency, user: User) -> PreparedFile:
    """Order the forms of these cases in one PDF, in this order. Raises `Refusal` for none or too many."""
    if not cases:
        raise Refusal(_("请先勾选要打印的案卷。"), code="nothing")
    if len(cases) > MOST:
        raise Refusal(_("一次最多打印 {n} 件，请分批打印。").format(n=MOST), code="too_many")
    wish = {"cases": [str(case.pk) for case in cases]}
    return prepared.ask(agency=agency, user=user, kind=PreparedFile.Kind.PRINTS, wish=wish, total=len(cases))


def write(order: PreparedFile, progress: Progress) -> Product:
    """The ordered forms. Full numbers stand only on those that the orderer may see, each look recorded.

    The order keeps of which cases, for whoever opens the file is judged again.
    """
    by = orderer(order)
    found = Case.objects.prefetch_related("opinions").in_bulk([UUID(key) for key in order.wish["cases"]])
    shown: list[Case] = []
    with pikepdf.Pdf.new() as whole, TemporaryFile() as file:
        for done, key in enumerate(order.wish["cases"], 1):
            case = found.get(UUID(key))
            if case is not None:
                full = looks.may_see_number(case, by)
                _append(whole, _form(case, full=full))
                shown += [case] if full else []
            progress(done)
        if not whole.pages:
            raise Refusal(_("所选的案卷已不在本机构。"), code="gone")
        whole.save(file, object_stream_mode=pikepdf.ObjectStreamMode.generate)
        file.seek(0)
        name = _("申请表-{n}件-{day}.pdf").format(n=len(found), day=f"{order.asked_at:%Y%m%d}")
        order.full, order.wish["full_of"] = bool(shown), [str(case.pk) for case in shown]
        noted = looks.on_record(shown, by=order.user, agency=order.agency, reason=_("批量打印申请表"))
        return Product(name, PDF, file.read(), noted)


def orderer(order: PreparedFile) -> Actor:
    """Who ordered, with the roles held now, and today's deputyships: what was taken back counts no more."""
    user, agency = order.user, order.agency
    held = roles.roles_of(user, agency)
    covers = staff.deputyships(user, agency, clock.today()) if held & HOLDS_CASES else frozenset()
    return Actor.staff(user, agency=agency, held=held, covers=covers)


def _form(case: Case, *, full: bool) -> bytes:
    dossier: Any = Dossier.objects.get(case=case, version=case.version)
    number = people.number_for_form(case.person) if full else None
    return officer.form_pdf(case, dossier, full_number=number)


def _append(whole: pikepdf.Pdf, part: bytes) -> None:
    with pikepdf.open(BytesIO(part)) as source:
        whole.pages.extend(source.pages)
