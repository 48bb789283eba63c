"""What a queue shows as a file for a spreadsheet (导出), by django-import-export.

The list is read in one look, so that an act in between neither drops a case nor shows one twice. Document
numbers are masked; a supervisor may ask for the full ones, with a reason that goes on everybody's record.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, Final
from uuid import UUID

from django.db.models import OuterRef, QuerySet, Subquery
from django.utils.timezone import localdate, localtime
from django.utils.translation import get_language, gettext_lazy, override
from django.utils.translation import gettext as _
from import_export import fields, resources

from register import clock, codes, people, tables
from register.models import Kind, Person
from register.tables import Form, Head
from review import lists, looks, prepared, queue
from review.documents import wording
from review.models import Case, Opinion
from review.prepared import Product, Progress
from review.prints import orderer
from review.queue import CASES, Tab, Wish
from review.states import State
from review.workflow import SUPERVISOR, Actor
from tenants import access
from tenants.errors import Refusal
from tenants.models import Agency, PreparedFile, User
from tenants.roles import AUDITOR, REVIEWER

MOST: Final = 50_000
BATCH: Final = 500
# Who may take a list of cases out of the house at all; full numbers are for supervisors only.
EXPORTERS: Final = frozenset({REVIEWER.code, SUPERVISOR, AUDITOR.code})


# --- Ordering ------------------------------------------------------------------------------------------


def lines(tab: Tab, wishes: Mapping[str, str], *, by: Actor) -> QuerySet[Case]:
    """The cases of a tab that the filters leave, in the order of the queue, those of who is covered too."""
    narrowed = queue.narrowed(Case.objects.all(), CASES, Wish(**wishes), user_id=by.account)
    return queue.listed(narrowed, CASES, tab, user_id=by.account, covers=by.covers)


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
    total = _number(lines(tab, wishes, by=by), full=full)
    title = _("案卷列表：{tab}").format(tab=tab.label)
    wish = {
        "title": _("{title}（已筛选）").format(title=title) if wishes else title,
        "tab": tab.key,
        "wishes": dict(wishes),
        "form": form.value,
        "language": get_language() or "",
    }
    return prepared.ask(
        agency=agency,
        user=user,
        kind=PreparedFile.Kind.EXPORT,
        wish=wish,
        total=total,
        full=full,
        reason=reason.strip() if full else "",
    )


def _number(asked: QuerySet[Case], *, full: bool) -> int:
    nothing = _("没有符合条件的案卷，没有可以导出的内容。")
    return lists.counted(asked, nothing=nothing, full=full, most=MOST)


def _allow(by: Actor, *, full: bool) -> None:
    if not by.roles & EXPORTERS:
        raise Refusal(_("您没有导出案卷列表的权限。"), code="not_allowed")
    if full and SUPERVISOR not in by.roles:
        raise Refusal(_("只有审核可以导出完整证件号码。"), code="not_allowed")


# --- Writing: the task, at the agency's desk -------------------------------------------------------------


def write(order: PreparedFile, progress: Progress) -> Product:
    """The ordered list. The rights are those that its orderer has now."""
    wish = order.wish
    with override(wish["language"] or None):
        by = orderer(order)
        _allow(by, full=order.full)
        asked = lines(CASES.tab(wish["tab"]), wish["wishes"], by=by)
        return _written(order, asked, by, progress)


def _written(order: PreparedFile, asked: QuerySet[Case], by: Actor, progress: Progress) -> Product:
    resource, form = CaseResource(), Form(order.wish["form"])
    heads = [Head(*head) for head in zip(resource.get_export_headers(), WIDTHS, strict=True)]  # type: ignore[no-untyped-call]
    seen: dict[UUID, UUID] = {}
    order.total, done = _number(asked, full=order.full), 0
    with tables.begin(form, title=_("案卷列表"), heads=heads) as table:
        for batch in lists.batches(_with_columns(asked), size=BATCH):
            if order.full:
                resource.full = _full_numbers(batch, by)
                seen |= {case.person_id: case.pk for case in batch if case.pk in resource.full}
            for case in batch:
                table.add(wording.printable(resource.export_resource(case)))  # type: ignore[no-untyped-call]
            done += len(batch)
            order.total = max(order.total, done)
            progress(done)
        data = table.data()
    order.total = done
    name = _("案卷列表-{agency}-{moment}.{form}").format(
        agency=order.agency.code, moment=f"{localtime(order.asked_at):%Y%m%d-%H%M}", form=form.value
    )
    reason = _("导出列表：{reason}").format(reason=order.reason)[:200]
    noted = access.looks_at(seen, by=order.user, agency=order.agency, reason=reason)
    return Product(name, form.content_type, data, noted)


def _with_columns(asked: QuerySet[Case]) -> QuerySet[Case]:
    opinions = Opinion.objects.filter(case=OuterRef("pk"), level=Opinion.Level.FIRST).exclude(
        standing=Opinion.Standing.VOID
    )
    return (
        asked.select_related("assignee", "dispatch")
        .defer("policy")
        .annotate(
            verdict=Subquery(opinions.values("verdict")[:1]),
            standing=Subquery(opinions.values("standing")[:1]),
        )
    )


def _full_numbers(batch: list[Case], by: Actor) -> dict[UUID, str]:
    """The full numbers by case, of those cases whose number this officer may see."""
    open_to = [case for case in batch if looks.may_see_number(case, by)]
    found = Person.objects.only("document_cipher").in_bulk({case.person_id for case in open_to})
    return {
        case.pk: people.number_for_form(found[case.person_id]) for case in open_to if case.person_id in found
    }


# --- Columns -------------------------------------------------------------------------------------------


class CaseResource(resources.Resource):
    """A case as a line of a table. `full` holds the document numbers that are not masked, by case."""

    reference = fields.Field("reference", gettext_lazy("申请编号"))
    name = fields.Field("applicant_name", gettext_lazy("姓名"))
    document = fields.Field("document_mask", gettext_lazy("证件号码"))
    kind = fields.Field("kind", gettext_lazy("注册种类"))
    category = fields.Field("category", gettext_lazy("注册类别"))
    employer = fields.Field("employer_name", gettext_lazy("聘用单位"))
    employer_code = fields.Field("employer_code", gettext_lazy("统一社会信用代码"))
    state = fields.Field("state", gettext_lazy("状态"))
    lodged = fields.Field("lodged_at", gettext_lazy("上报日期"))
    accepted = fields.Field("acceptance_number", gettext_lazy("受理凭证编号"))
    due = fields.Field("due_on", gettext_lazy("办理期限"))
    left = fields.Field("due_on", gettext_lazy("剩余工作日"))
    assignee = fields.Field("assignee", gettext_lazy("经办人"))
    opinion = fields.Field("verdict", gettext_lazy("初审意见"))
    dispatch = fields.Field("dispatch", gettext_lazy("报送批次"))

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.full: Mapping[UUID, str] = {}
        self._left: dict[date, int] = {}

    def dehydrate_document(self, case: Case) -> str:
        return self.full.get(case.pk, case.document_mask)

    def dehydrate_kind(self, case: Case) -> str:
        kind = str(Kind(case.kind).label)
        return _("{kind}（逾期）").format(kind=kind) if case.late else kind

    def dehydrate_category(self, case: Case) -> str:
        return codes.label("category", case.category) if case.category else ""

    def dehydrate_state(self, case: Case) -> str:
        return str(State(case.state).label)

    def dehydrate_lodged(self, case: Case) -> date:
        return localdate(case.lodged_at)

    def dehydrate_due(self, case: Case) -> date | None:
        return case.due_on

    def dehydrate_left(self, case: Case) -> int | None:
        """Negative: overdue by so many working days. Empty where no clock runs."""
        if case.due_on is None or not case.clock:
            return None
        if case.due_on not in self._left:
            self._left[case.due_on] = clock.working_days_left(case.due_on)
        return self._left[case.due_on]

    def dehydrate_assignee(self, case: Case) -> str:
        return case.assignee.display_name if case.assignee else ""

    def dehydrate_opinion(self, case: Any) -> str:
        if not case.verdict:
            return ""
        verdict = str(Opinion.Verdict(case.verdict).label)
        return (
            _("{verdict}（待复核）").format(verdict=verdict)
            if case.standing == Opinion.Standing.PENDING
            else verdict
        )

    def dehydrate_dispatch(self, case: Case) -> str:
        return case.dispatch.number if case.dispatch else ""


# In the order of the columns, in characters.
WIDTHS: Final = (18, 12, 22, 14, 20, 36, 22, 22, 12, 24, 12, 12, 12, 14, 22)
