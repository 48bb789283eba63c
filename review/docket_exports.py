"""What the authority sees of the docket as a file for a spreadsheet: any view of its queue, the summary list.

Read in one look over the public docket, whatever the number of agencies. Document numbers are masked; a
signing officer may ask for the full ones, with a reason that goes on everybody's record.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Final
from uuid import UUID

from django.db.models import QuerySet
from django.utils.timezone import localtime
from django.utils.translation import get_language, gettext_lazy, override
from django.utils.translation import gettext as _

from register import clock, codes, people, tables
from register.models import DocketEntry, Kind
from register.tables import Form, Head, Value
from review import lists, prepared, queue
from review.models import Opinion
from review.prepared import Product, Progress
from review.prints import orderer
from review.queue import DOCKET, Tab, Wish
from review.states import State
from review.workflow import SIGNING_OFFICER, Actor
from tenants import access
from tenants.errors import Refusal
from tenants.models import Agency, PreparedFile, User
from tenants.roles import AUTHORITY_AUDITOR, FINAL_REVIEWER, REGISTRAR

BATCH: Final = 500
# Who may take lists of the docket out of the house; full numbers are for the signing officer only.
EXPORTERS: Final = frozenset({FINAL_REVIEWER.code, SIGNING_OFFICER, REGISTRAR.code, AUTHORITY_AUDITOR.code})
DOCKET_LIST: Final = "docket"
SUMMARY: Final = "summary"
SUMMARY_TITLE: Final = gettext_lazy("申请注册人员汇总表（全国）")


# --- Ordering ------------------------------------------------------------------------------------------


def lines(tab: Tab, wishes: Mapping[str, str], *, by: Actor) -> QuerySet[DocketEntry]:
    """The lines of a tab that the filters leave, in the order of the queue, those of who is covered too."""
    narrowed = queue.narrowed(DocketEntry.objects.all(), DOCKET, Wish(**wishes), user_id=by.account)
    return queue.listed(narrowed, DOCKET, tab, user_id=by.account, covers=by.covers)


def waiting() -> QuerySet[DocketEntry]:
    """Every case that waits for the final review: the lines of the national summary list."""
    reported = DocketEntry.objects.filter(state=State.REPORTED)
    return reported.order_by("agency__number", "dispatch_number", "reference")


def ask(
    *,
    by: Actor,
    agency: Agency,
    user: User,
    tab: Tab,
    wishes: Mapping[str, str],
    form: Form,
    full: bool = False,
    reason: str = "",
) -> PreparedFile:
    """Order the list of a tab and its filters as a file.

    Raises `Refusal` for an empty or too long list, and for full numbers without the right or a reason.
    """
    _allow(by, full=full)
    if full and not reason.strip():
        raise Refusal(_("导出完整证件号码须填写事由。"), code="reason")
    title = _("登记簿列表：{tab}").format(tab=tab.label)
    return prepared.ask(
        agency=agency,
        user=user,
        kind=PreparedFile.Kind.EXPORT,
        wish={
            "what": DOCKET_LIST,
            "title": _("{title}（已筛选）").format(title=title) if wishes else title,
            "tab": tab.key,
            "wishes": dict(wishes),
            "form": form.value,
            "language": get_language() or "",
        },
        total=_number(lines(tab, wishes, by=by), full=full),
        full=full,
        reason=reason.strip() if full else "",
    )


def ask_summary(*, by: Actor, agency: Agency, user: User) -> PreparedFile:
    """Order the summary list of all cases that wait for the final review, as a workbook."""
    _allow(by, full=False)
    return prepared.ask(
        agency=agency,
        user=user,
        kind=PreparedFile.Kind.EXPORT,
        wish={
            "what": SUMMARY,
            "title": str(SUMMARY_TITLE),
            "form": Form.XLSX.value,
            "language": get_language() or "",
        },
        total=_number(waiting(), full=False),
    )


def _number(asked: QuerySet[DocketEntry], *, full: bool) -> int:
    return lists.counted(asked, nothing=_("没有符合条件的案卷，没有可以导出的内容。"), full=full)


def _allow(by: Actor, *, full: bool) -> None:
    if not by.roles & EXPORTERS:
        raise Refusal(_("您没有导出案卷列表的权限。"), code="not_allowed")
    if full and not may_see_full(by):
        raise Refusal(_("只有签批人可以导出完整证件号码。"), code="not_allowed")


def may_see_full(by: Actor) -> bool:
    """Whether a list with full document numbers is open to this officer, when ordered and when fetched."""
    return SIGNING_OFFICER in by.roles


# --- Writing: the task, at the authority's desk ----------------------------------------------------------


def write(order: PreparedFile, progress: Progress) -> Product:
    """The ordered list. The rights are those that its orderer has now."""
    wish = order.wish
    with override(wish["language"] or None):
        by = orderer(order)
        _allow(by, full=order.full)
        if wish["what"] == SUMMARY:
            return _written(order, waiting(), by, progress)
        asked = lines(DOCKET.tab(wish["tab"]), wish["wishes"], by=by)
        return _written(order, asked, by, progress)


def _written(order: PreparedFile, asked: QuerySet[DocketEntry], by: Actor, progress: Progress) -> Product:
    form, summary = Form(order.wish["form"]), order.wish["what"] == SUMMARY
    title = str(SUMMARY_TITLE) if summary else _("案卷列表")
    left = Left()
    seen: dict[UUID, UUID] = {}
    order.total, done = _number(asked, full=order.full), 0
    with tables.begin(form, title=title, heads=heads(numbered=summary)) as table:
        for batch in lists.batches(_with_columns(asked), size=BATCH):
            full = _full_numbers(batch, by) if order.full else {}
            seen |= {entry.person_id: entry.pk for entry in batch if entry.pk in full}
            for place, entry in enumerate(batch, done + 1):
                row = row_of(entry, full.get(entry.pk, entry.person.document_mask), left)
                table.add([place, *row] if summary else row)
            done += len(batch)
            order.total = max(order.total, done)
            progress(done)
        data = table.data()
    order.total = done
    moment = f"{localtime(order.asked_at):%Y%m%d-%H%M}"
    name = (_("全国汇总表-{moment}.{form}") if summary else _("登记簿列表-{moment}.{form}")).format(
        moment=moment, form=form.value
    )
    reason = _("导出列表：{reason}").format(reason=order.reason)[:200]
    noted = access.looks_at(seen, by=order.user, agency=order.agency, reason=reason)
    return Product(name, form.content_type, data, noted)


def _with_columns(asked: QuerySet[DocketEntry]) -> QuerySet[DocketEntry]:
    return asked.select_related("agency", "officer", "person").only(
        *(field.attname for field in DocketEntry._meta.concrete_fields),
        "agency__code", "agency__kind", "agency__name_zh", "agency__name_en", "officer__name",
        "officer__username", "person__document_mask", "person__document_cipher", "person__document_digest",
    )  # fmt: skip


def _full_numbers(batch: list[DocketEntry], by: Actor) -> dict[UUID, str]:
    """The full numbers by case; never one's own."""
    return {
        entry.pk: people.number_for_form(entry.person) for entry in batch if entry.person_id not in by.records
    }


# --- Columns -------------------------------------------------------------------------------------------


class Left:
    """Working days left until a day, each counted once."""

    def __init__(self) -> None:
        self.known: dict[date, int] = {}

    def until(self, day: date) -> int:
        if day not in self.known:
            self.known[day] = clock.working_days_left(day)
        return self.known[day]


def heads(*, numbered: bool) -> list[Head]:
    """The heads of the columns, with the running number of a summary list first."""
    columns = [
        Head(_("申请编号"), 18), Head(_("注册机构"), 28), Head(_("注册渠道"), 14), Head(_("姓名"), 12),
        Head(_("证件号码"), 22), Head(_("注册种类"), 14), Head(_("注册类别"), 20), Head(_("聘用单位"), 36),
        Head(_("状态"), 22), Head(_("上报日期"), 12), Head(_("报送日期"), 12), Head(_("报送批次"), 24),
        Head(_("初审意见"), 12), Head(_("决定日期"), 12), Head(_("终审决定"), 12), Head(_("补正次数"), 10),
        Head(_("退回次数"), 10), Head(_("办理期限"), 12), Head(_("剩余工作日"), 12),
        Head(_("终审经办人"), 14),
    ]  # fmt: skip
    return [Head(_("序号"), 8), *columns] if numbered else columns


def row_of(entry: DocketEntry, document: str, left: Left) -> list[Value]:
    """A line of the docket as a line of a table, in the order of the heads."""
    return [
        entry.reference,
        entry.agency.name,
        str(Agency.Kind(entry.agency.kind).label),
        entry.applicant_name,
        document,
        str(Kind(entry.kind).label),
        codes.label("category", entry.category) if entry.category else "",
        entry.employer_name,
        str(State(entry.state).label),
        entry.lodged_on,
        entry.reported_on,
        entry.dispatch_number,
        _verdict(entry.first_verdict),
        entry.decided_on,
        _verdict(entry.final_verdict),
        entry.corrections,
        entry.remands,
        entry.due_on,
        left.until(entry.due_on) if entry.due_on and entry.clock else None,
        entry.officer.display_name if entry.officer else "",
    ]


def _verdict(verdict: str) -> str:
    return str(Opinion.Verdict(verdict).label) if verdict else ""
