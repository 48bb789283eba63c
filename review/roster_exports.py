"""The books as files for a spreadsheet: the roster of qualifications, the registrations as they stand today.

Document numbers are masked; a registrar may ask for the full ones, with a reason that goes on the record of
everybody in the list.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, Final
from uuid import UUID

from django.db.models import Q, QuerySet, TextChoices
from django.utils.timezone import localtime
from django.utils.translation import get_language, gettext_lazy, override
from django.utils.translation import gettext as _

from register import clock, codes, people, tables
from register.models import DocumentType, Qualification, Registration
from register.rosters import What
from register.tables import Form, Head, Value
from review import lists, prepared
from review.looks import ROSTER
from review.prepared import Product, Progress
from review.prints import orderer
from review.workflow import Actor
from tenants import access
from tenants.errors import Refusal
from tenants.models import Agency, PreparedFile, User
from tenants.roles import REGISTRAR

BATCH: Final = 1_000


class Today(TextChoices):
    """How a registration stands today, by its dates and its end."""

    VALID = "valid", gettext_lazy("有效")
    EXPIRED = "expired", gettext_lazy("已过期")
    CANCELLED = "cancelled", gettext_lazy("已注销")
    REVOKED = "revoked", gettext_lazy("已撤销")
    WITHDRAWN = "withdrawn", gettext_lazy("已吊销")


# --- Ordering ------------------------------------------------------------------------------------------


def ask(
    *,
    by: Actor,
    agency: Agency,
    user: User,
    what: What,
    wishes: Mapping[str, str],
    form: Form,
    full: bool = False,
    reason: str = "",
) -> PreparedFile:
    """Order a book, narrowed by wishes, as a file.

    Raises `Refusal` for an empty or too long list, and for full numbers without the right or a reason.
    """
    _allow(by)
    if full and not reason.strip():
        raise Refusal(_("导出完整证件号码须填写事由。"), code="reason")
    total = _number(lines(what, wishes), full=full)
    title = title_of(what)
    return prepared.ask(
        agency=agency,
        user=user,
        kind=PreparedFile.Kind.EXPORT,
        wish={
            "what": ROSTER,
            "book": what.value,
            "title": _("{title}（已筛选）").format(title=title) if wishes else title,
            "wishes": dict(wishes),
            "form": form.value,
            "language": get_language() or "",
        },
        total=total,
        full=full,
        reason=reason.strip() if full else "",
    )


def _number(asked: QuerySet[Any], *, full: bool) -> int:
    return lists.counted(asked, nothing=_("名册中没有符合条件的记录，没有可以导出的内容。"), full=full)


def title_of(what: What) -> str:
    return _("资格证书名册") if what is What.QUALIFICATIONS else _("注册名册")


def _allow(by: Actor) -> None:
    if REGISTRAR.code not in by.roles:
        raise Refusal(_("您没有导出名册的权限。"), code="not_allowed")


def lines(what: What, wishes: Mapping[str, str]) -> QuerySet[Any]:
    """The lines of a book that the wishes leave. A registration that was superseded is told by the newer."""
    if what is What.QUALIFICATIONS:
        asked: QuerySet[Any] = Qualification.objects.order_by("certificate_number")
        if wishes.get("exam_year"):
            asked = asked.filter(exam_year=int(wishes["exam_year"]))
    else:
        asked = _registrations(wishes)
    if wishes.get("category"):
        asked = asked.filter(category=wishes["category"])
    return asked.select_related("person")


def _registrations(wishes: Mapping[str, str]) -> QuerySet[Registration]:
    asked = Registration.objects.filter(superseded_by__isnull=True).select_related("agency")
    if wishes.get("agency"):
        asked = asked.filter(agency__code=wishes["agency"])
    if wishes.get("today"):
        asked = asked.filter(_standing(Today(wishes["today"]), clock.today()))
    if wishes.get("valid_from"):
        asked = asked.filter(valid_to__gte=date.fromisoformat(wishes["valid_from"]))
    if wishes.get("valid_until"):
        asked = asked.filter(valid_to__lte=date.fromisoformat(wishes["valid_until"]))
    return asked.order_by("number", "valid_from")


def _standing(wanted: Today, on: date) -> Q:
    if wanted is Today.VALID:
        return Q(ended_how="", valid_to__gte=on)
    if wanted is Today.EXPIRED:
        return Q(ended_how="", valid_to__lt=on)
    return Q(ended_how=wanted.value)


# --- Writing: the task, at the authority's desk ----------------------------------------------------------


def write(order: PreparedFile, progress: Progress) -> Product:
    """The ordered book. The rights are those that its orderer has now."""
    with override(order.wish["language"] or None):
        _allow(orderer(order))
        return _written(order, What(order.wish["book"]), progress)


def _written(order: PreparedFile, what: What, progress: Progress) -> Product:
    form, seen, done = Form(order.wish["form"]), dict[UUID, UUID | None](), 0
    asked = lines(what, order.wish["wishes"])
    order.total = _number(asked, full=order.full)
    if not order.full:
        asked = asked.defer("person__document_cipher")
    with tables.begin(form, title=title_of(what), heads=_heads(what)) as table:
        for batch in lists.batches(asked.defer("person__personal"), size=BATCH):
            for row in batch:
                table.add(_line(row, full=order.full))
            if order.full:
                seen |= dict.fromkeys(row.person_id for row in batch)
            done += len(batch)
            order.total = max(order.total, done)
            progress(done)
        data = table.data()
    order.total = done
    name = _("{title}-{moment}.{form}").format(
        title=title_of(what), moment=f"{localtime(order.asked_at):%Y%m%d-%H%M}", form=form.value
    )
    reason = _("导出名册：{reason}").format(reason=order.reason)[:200]
    looks = access.looks_at(seen, by=order.user, agency=order.agency, reason=reason)
    return Product(name, form.content_type, data, looks)


def _heads(what: What) -> list[Head]:
    person = [Head(_("姓名"), 12), Head(_("证件类型"), 18), Head(_("证件号码"), 22)]
    more: tuple[tuple[str, int], ...]
    last: tuple[tuple[str, int], ...]
    if what is What.QUALIFICATIONS:
        more = ((_("资格证书编号"), 24), (_("管理号"), 24), (_("考试年度"), 10), (_("发证日期"), 12))
        last = ((_("发证机关"), 24), (_("专业类别"), 20))
    else:
        more = ((_("执业证编号"), 14), (_("注册类别"), 20), (_("注册机构"), 24), (_("聘用单位"), 36))
        last = (
            *((_("统一社会信用代码"), 22), (_("首次注册日期"), 12), (_("有效期起"), 12)),
            *((_("有效期止"), 12), (_("状态"), 10), (_("终止日期"), 12), (_("终止原因"), 24)),
        )
    return [*person, *(Head(text, width) for text, width in (*more, *last))]


def _line(row: Qualification | Registration, *, full: bool) -> list[Value]:
    who = row.person
    number = people.number_for_form(who) if full else who.document_mask
    person: list[Value] = [who.name, str(DocumentType(who.document_type).label), number]
    category = codes.label("category", row.category) if row.category else ""
    if isinstance(row, Qualification):
        numbers: list[Value] = [row.certificate_number, row.management_number]
        return [*person, *numbers, row.exam_year, row.issued_on, row.issuer, category]
    house = row.agency.name if row.agency else ""
    days: list[Value] = [row.first_registered_on, row.valid_from, row.valid_to]
    end: list[Value] = [_today(row), row.ended_on, row.end_reason]
    return [*person, row.number, category, house, row.employer_name, row.employer_code, *days, *end]


def _today(row: Registration) -> str:
    if row.ended_how:
        return str(Today(row.ended_how).label)
    return str((Today.VALID if row.valid_to >= clock.today() else Today.EXPIRED).label)
