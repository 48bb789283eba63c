"""What auditors order: a book as a file, and the verification of all chains of an agency with its result."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.utils.timezone import localtime
from django.utils.translation import get_language, gettext_lazy, override
from django.utils.translation import gettext as _

from register import tables
from register.models import DocketEntry
from register.tables import Form, Head
from review import audit, lists, log, prepared, replay
from review.audit import BOOKS, Asked, Book
from review.log import Break
from review.models import Case, Movement
from review.prepared import Product, Progress
from review.prints import orderer
from review.workflow import Actor
from tenants import crossing
from tenants.errors import Refusal
from tenants.models import Agency, PreparedFile, User
from tenants.roles import AUDITOR, AUTHORITY_AUDITOR

MOST: Final = lists.MOST
BATCH: Final = 500
AUDITORS: Final = frozenset({AUDITOR.code, AUTHORITY_AUDITOR.code})
BOOK: Final = "audit"
VERIFICATION: Final = "verification"
# So many faults stand on the page; the file has them all.
SHOWN: Final = 20

WHAT: Final = {
    "number": gettext_lazy("流转记录的编号不连续"),
    "previous": gettext_lazy("与上一条记录接不上"),
    "hash": gettext_lazy("记录写入以后内容被改动"),
    "case head": gettext_lazy("与案卷保存的最后一条记录不符"),
    "docket head": gettext_lazy("与登记簿保存的最后一条记录不符"),
    "case gone": gettext_lazy("登记簿中有这件案卷，案卷已不存在"),
    "state": gettext_lazy("案卷的状态或期限与流转记录不符"),
}


def _allow(by: Actor) -> None:
    if not by.roles & AUDITORS:
        raise Refusal(_("只有审计员可以办理此事项。"), code="not_allowed")


# --- One case ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Verified:
    """What the verification of a case found: how many movements, and the first row that does not hold."""

    reference: str
    movements: int
    broken: Break | None

    @property
    def said(self) -> str:
        return str(WHAT[self.broken.what]) if self.broken else ""


def verify_case(asked: Asked, *, by: Actor) -> Verified:
    """Verify the chain of one case now, and that it stands as its movements say.

    Raises `Refusal` where there is no such case at this desk.
    """
    _allow(by)
    agency = audit.agency_of(asked)
    if agency is None or not asked.reference:
        raise Refusal(_("没有找到这个申请编号的案卷。"), code="unknown")
    with crossing.inside(agency):
        case = Case.objects.filter(reference=asked.reference).first()
        if case is None:
            raise Refusal(_("没有找到这个申请编号的案卷。"), code="unknown")
        movements = list(case.movements.order_by("number"))
        return Verified(case.reference, len(movements), _broken(case, movements, _line_of(case, agency)))


def _line_of(case: Case, agency: Agency) -> tuple[int, str] | None:
    """What this agency's docket keeps of the case; of one handed over meanwhile the line is another's."""
    lines = DocketEntry.objects.filter(pk=case.pk, agency=agency)
    return lines.values_list("chain_length", "chain_head").first()


def _broken(case: Case, movements: list[Movement], line: tuple[int, str] | None) -> Break | None:
    found = log.first_break(case, movements, line)
    if found is None and replay.differences(case, movements):
        return Break(case.pk, len(movements), "state")
    return found


# --- One agency: the task --------------------------------------------------------------------------------


def ask_verification(*, by: Actor, at: Agency, user: User, of: Agency) -> PreparedFile:
    """Order the verification of all chains of the agency `of` at the desk of `at`."""
    _allow(by)
    if of.is_authority or not (at.is_authority or at.pk == of.pk):
        raise Refusal(_("请选择一个注册机构。"), code="agency")
    with crossing.inside(of):
        total = Case.objects.count()
    return prepared.ask(
        agency=at,
        user=user,
        kind=PreparedFile.Kind.CHECK,
        wish={
            "what": VERIFICATION,
            "title": _("校验流转记录：{agency}").format(agency=of.name),
            "agency": of.code,
            "language": get_language() or "",
        },
        total=max(total, 1),
    )


def write_verification(order: PreparedFile, progress: Progress) -> Product:
    """Walk every chain of the agency; the report names the first row of each that does not hold."""
    with override(order.wish["language"] or None):
        _allow(orderer(order))
        agency = Agency.objects.get(code=order.wish["agency"])
        faults: list[list[str]] = []
        cases = movements = 0
        with crossing.inside(agency):
            for reference, walked, broken in _walked(agency, order, progress):
                cases, movements = cases + 1, movements + walked
                if broken is not None:
                    faults.append([reference, str(broken.number), str(WHAT[broken.what])])
        order.wish |= {
            "cases": cases,
            "movements": movements,
            "broken": len(faults),
            "faults": [
                dict(zip(("reference", "number", "what"), each, strict=True)) for each in faults[:SHOWN]
            ],
        }
        heads = [Head(_("申请编号")), Head(_("流转记录序号")), Head(_("问题"))]
        with tables.begin(Form.CSV, title="", heads=heads) as table:
            for each in faults:
                table.add(each)
            data = table.data()
        moment = f"{localtime(order.asked_at):%Y%m%d-%H%M}"
        name = _("校验结果-{agency}-{moment}.csv").format(agency=agency.code, moment=moment)
        return Product(name, Form.CSV.content_type, data)


def _walked(
    agency: Agency, order: PreparedFile, progress: Progress
) -> Iterator[tuple[str, int, Break | None]]:
    """Each case with the number of its movements and its fault; at the end the lines without a case."""
    lines = DocketEntry.objects.filter(agency=agency)
    docket = {
        key: (length, head) for key, length, head in lines.values_list("pk", "chain_length", "chain_head")
    }
    keys = list(Case.objects.order_by("pk").values_list("pk", flat=True))
    order.total, done = max(len(keys), 1), 0
    for start in range(0, len(keys), BATCH):
        chunk = keys[start : start + BATCH]
        cases = Case.objects.defer("policy").in_bulk(chunk)
        rows = Movement.objects.filter(case_id__in=chunk).order_by("case_id", "number")
        by_case = {key: list(group) for key, group in groupby(rows, key=lambda row: row.case_id)}
        for key, case in cases.items():
            movements = by_case.get(key, [])
            broken = _broken(case, movements, docket.pop(key, None))
            yield case.reference, len(movements), broken and _confirmed(key, agency)
        done += len(chunk)
        progress(done)
    gone = lines.filter(pk__in=docket).values_list("pk", "reference")
    # What was lodged since the keys were read has a case; only the others are gone.
    there = set(Case.objects.filter(pk__in=docket).values_list("pk", flat=True))
    for key, reference in gone:
        if key not in there:
            yield reference, 0, Break(key, 1, "case gone")


def _confirmed(key: UUID, agency: Agency) -> Break | None:
    """The fault of a case as it stands under lock: somebody may have moved it between two looks."""
    with transaction.atomic():
        case = Case.objects.select_for_update(of=("self",)).get(pk=key)
        return _broken(case, list(case.movements.order_by("number")), _line_of(case, agency))


# --- A book as a file ------------------------------------------------------------------------------------


def ask_export(
    *, by: Actor, agency: Agency, user: User, book: Book, asked: Asked, form: Form
) -> PreparedFile:
    """Order the lines of a book as a file. Raises `Refusal` for none, or too many."""
    _allow(by)
    total = _number(book, asked)
    wish: dict[str, Any] = {
        "what": BOOK,
        "title": _("审计：{book}").format(book=book.title),
        "book": book.key,
        "asked": asked.as_dict(),
        "form": form.value,
        "language": get_language() or "",
    }
    return prepared.ask(agency=agency, user=user, kind=PreparedFile.Kind.EXPORT, wish=wish, total=total)


def _number(book: Book, asked: Asked) -> int:
    return lists.within(
        audit.count(book, asked, most=MOST), nothing=_("没有符合条件的记录，没有可以导出的内容。"), most=MOST
    )


def write_export(order: PreparedFile, progress: Progress) -> Product:
    """The ordered book; document numbers are masked in it as on the page."""
    wish = order.wish
    with override(wish["language"] or None):
        _allow(orderer(order))
        book, form = BOOKS[wish["book"]], Form(wish["form"])
        asked = audit.at_desk_of(order.agency, Asked(**wish["asked"]))
        heads = [Head(str(head), 24) for head in book.heads]
        order.total, done = _number(book, asked), 0
        with audit.opened(book, asked), tables.begin(form, title=str(book.title), heads=heads) as table:
            for batch in audit.batches(book, asked, size=BATCH):
                for line in batch:
                    table.add("　".join(filter(None, (cell.text, cell.sub))) for cell in line.cells)
                done += len(batch)
                order.total = max(order.total, done)
                progress(done)
            data = table.data()
        moment = f"{localtime(order.asked_at):%Y%m%d-%H%M}"
        name = _("审计-{book}-{moment}.{form}").format(book=book.title, moment=moment, form=form.value)
        return Product(name, form.content_type, data)


def may_fetch(file: PreparedFile, by: Actor) -> bool:
    """Whether an auditor's file is still open to its orderer."""
    return file.wish.get("what") not in {BOOK, VERIFICATION} or bool(by.roles & AUDITORS)


def newest_checks(user: User, agency: Agency) -> list[PreparedFile]:
    """The verifications that somebody ordered lately, latest first."""
    return list(prepared.of_officer(user, agency).filter(kind=PreparedFile.Kind.CHECK)[:20])
