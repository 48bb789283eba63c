"""The figures of the desk: each as a table, which is the truth, and a plot drawn from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from register import clock, codes
from register.tables import Form
from review import numbers, queue
from review.numbers import Load, Numbers, Period
from review.views import listing
from review.views.desk import Text, private
from review.views.figures import Column, Figure, Row, Table, book_of, week
from tenants.guards import StaffRequest, staff_required
from tenants.roles import MANAGER, SUPERVISOR

# Who sees the load of every colleague; a reviewer sees the own one, everybody else the sum.
SEES_ALL_LOADS: Final = frozenset({SUPERVISOR.code, MANAGER.code})
PLACE_TONES: Final = {
    "submitted": "blue",
    "correction": "amber",
    "working": "teal",
    "passed": "sky",
    "reported": "grey",
}
STEP_LABELS: Final[Mapping[str, tuple[str | Promise, str]]] = {
    "lodged": (gettext_lazy("上报"), "grey"),
    "accepted": (gettext_lazy("受理"), "blue"),
    "opinions": (gettext_lazy("出具意见"), "teal"),
    "referred": (gettext_lazy("报送终审"), "sky"),
    "closed": (gettext_lazy("办结"), "amber"),
}


# --- The page ----------------------------------------------------------------------------------------


@staff_required()
@require_safe
def page(request: StaffRequest) -> HttpResponse:
    """How much there is, how old, how fast, and what comes back."""
    found = numbers.numbers(numbers.period(request.GET.get("weeks", "")))
    context = {
        "period": found.period,
        "periods": _periods(found.period),
        "since": found.period.mondays[0],
        "nothing": found.nothing,
        "headline": _headline(found),
        "tables": [] if found.nothing else _tables(request, found),
    }
    return private(render(request, "review/agency/numbers.html", context))


@staff_required()
@require_safe
def workbook(request: StaffRequest) -> HttpResponse:
    """The same tables as a workbook, a sheet for each."""
    found = numbers.numbers(numbers.period(request.GET.get("weeks", "")))
    response = HttpResponse(book_of(_tables(request, found)), content_type=Form.XLSX.content_type)
    name = f"numbers-{request.agency.code}-{clock.today():%Y%m%d}-{found.period.weeks}w.xlsx"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return private(response)


def _periods(chosen: Period) -> list[dict[str, object]]:
    words = {4: _("近 4 周"), 12: _("近 12 周"), 52: _("近 52 周")}
    return [
        {
            "label": words[weeks],
            "url": f"{reverse('numbers')}?weeks={weeks}",
            "current": weeks == chosen.weeks,
        }
        for weeks in numbers.PERIODS
    ]


def _headline(found: Numbers) -> list[tuple[Text, Figure]]:
    """The few figures that one looks for first."""
    whole, days = found.total, _(" 个工作日")
    return [
        (_("待办案卷"), Figure(whole.in_hand, listing.address(tab="todo"))),
        (
            _("其中已超期"),
            Figure(whole.overdue, listing.address(tab="todo", due="over"), alarm=whole.overdue > 0),
        ),
        (_("上报到受理，中位数"), Figure(found.pace.to_acceptance.median, unit=days)),
        (_("上报到出具意见，中位数"), Figure(found.pace.to_opinion.median, unit=days)),
        (_("终审改变初审意见"), Figure(_share(found), unit="%")),
    ]


def _share(found: Numbers) -> float | None:
    share = found.finals.share
    return None if share is None else round(share, 1)


def _tables(request: StaffRequest, found: Numbers) -> list[Table]:
    return [
        _load_table(request, found.loads),
        _age_table(found.ages),
        _throughput_table(found),
        _pace_table(found),
        _reason_table(found),
        _final_table(found),
    ]


# --- The tables --------------------------------------------------------------------------------------


def _load_table(request: StaffRequest, loads: Sequence[Load]) -> Table:
    own_only = not request.roles & SEES_ALL_LOADS
    whole = numbers.total(loads)
    rows = [
        *_load_rows(request, loads, own_only=own_only),
        Row(_("本机构合计"), _load_figures(whole, ""), total=True),
    ]
    lead = _("手上的案卷是等待本机构办理的；补正中的等待申请人。后三列是近 30 天所做的。")
    return Table(
        key="load",
        title=_("经办人工作量"),
        lead=lead if not own_only else lead + _("您只看到自己的和合计。"),
        head=_("经办人"),
        columns=[
            Column(_("在手"), "blue"),
            Column(_("其中超期"), "red"),
            Column(_("补正中"), "amber"),
            Column(_("受理或不予受理")),
            Column(_("退回补正")),
            Column(_("出具意见")),
        ],
        rows=rows,
        plot="bar",
        empty=_("现在没有等待办理的案卷，近 30 天也没有办理记录。"),
    )


def _load_rows(request: StaffRequest, loads: Sequence[Load], *, own_only: bool) -> list[Row]:
    by_holder = {load.holder: load for load in loads}
    free = by_holder.pop(None, Load(holder=None))
    holders = queue.holders(request.agency)
    if own_only:
        mine = request.user.pk
        holders = [h for h in holders if h.id == mine and (h.reviews or mine in by_holder)]
    shown = [(holder.name, by_holder.pop(holder.id, Load(holder=holder.id))) for holder in holders]
    shown.sort(key=lambda pair: (-pair[1].in_hand, -pair[1].overdue))
    rows = [Row(name, _load_figures(load, str(load.holder))) for name, load in shown]
    if own_only:
        return rows
    if by_holder:
        rows.append(Row(_("其他人员"), _load_figures(numbers.total(by_holder.values()), None)))
    return [*rows, Row(_("未领取"), _load_figures(free, "free"))]


def _load_figures(load: Load, hold: str | None) -> list[Figure]:
    """The figures with the lists behind them; `hold` is the queue's word for whose, None: no such list."""

    def listed(tab: str, due: str = "") -> str:
        return "" if hold is None else listing.address(tab=tab, hold=hold, due=due)

    return [
        Figure(load.in_hand, listed("todo")),
        Figure(load.overdue, listed("todo", "over"), alarm=load.overdue > 0),
        Figure(load.at_applicant, listed("correction")),
        Figure(load.accepted),
        Figure(load.returned),
        Figure(load.opinions),
    ]


def _age_table(ages: Mapping[str, Sequence[int]]) -> Table:
    bands = [
        _("5 个工作日以内"),
        _("6—10 个工作日"),
        _("11—20 个工作日"),
        _("21—40 个工作日"),
        _("超过 40 个工作日"),
    ]
    rows = [
        Row(label, [*map(Figure, column), Figure(sum(column))])
        for label, column in zip(bands, zip(*ages.values(), strict=True), strict=True)
    ]
    sums = {place: sum(column) for place, column in ages.items()}
    whole = [Figure(number, listing.address(tab=place)) for place, number in sums.items()]
    rows.append(Row(_("合计"), [*whole, Figure(sum(sums.values()))], total=True))
    tabs = {tab.key: tab.label for tab in queue.AGENCY_TABS}
    return Table(
        key="age",
        title=_("在办案卷的时间"),
        lead=_("在办案卷自上报之日起已过的工作日，按所处的环节分列。"),
        head=_("自上报起"),
        columns=[*(Column(tabs[place], PLACE_TONES[place]) for place in ages), Column(_("合计"))],
        rows=rows,
        plot="stacked",
        empty=_("没有在办的案卷。"),
    )


def _throughput_table(found: Numbers) -> Table:
    rows = [
        Row(week(monday), [Figure(steps[step]) for step in STEP_LABELS]) for monday, steps in found.throughput
    ]
    sums = [sum(steps[step] for _monday, steps in found.throughput) for step in STEP_LABELS]
    rows.append(Row(_("合计"), [*map(Figure, sums)], total=True))
    return Table(
        key="throughput",
        title=_("每周办理量"),
        lead=_("按事项发生的时间计算，最后一周尚未结束。意见须复核的，自复核同意时计。"),
        head=_("周（星期一）"),
        columns=[Column(label, tone) for label, tone in STEP_LABELS.values()],
        rows=rows,
        plot="line",
        empty=_("这段时间没有办理记录。"),
    )


def _pace_table(found: Numbers) -> Table:
    def figures(pace: numbers.Paces) -> list[Figure]:
        spans = (pace.to_acceptance, pace.to_opinion)
        return [figure for span in spans for figure in (Figure(span.median), Figure(span.count))]

    rows = [Row(week(monday), figures(pace)) for monday, pace in found.paces]
    rows.append(Row(_("整段时间"), figures(found.pace), total=True))
    return Table(
        key="pace",
        title=_("办理时间"),
        lead=_(
            "自上报到受理、到出具初审意见的工作日，取中位数，按办理的那一周列出。受理前补正的，"
            "自重新上报起算；初审中补正的时间计算在内。"
        ),
        head=_("周（星期一）"),
        columns=[
            Column(_("到受理（工作日）"), "blue"),
            Column(_("受理件数")),
            Column(_("到出具意见（工作日）"), "teal"),
            Column(_("意见件数")),
        ],
        rows=rows,
        plot="line",
        empty=_("这段时间没有受理案卷，也没有出具意见。"),
    )


def _reason_table(found: Numbers) -> Table:
    reasons = found.returned.reasons
    items = sum(number for _code, number in reasons)
    rows = [
        Row(_reason(code), [Figure(number), Figure(round(100 * number / items, 1), unit="%")])
        for code, number in reasons
    ]
    if rows:
        rows.append(Row(_("合计"), [Figure(items), Figure(100, unit="%")], total=True))
    return Table(
        key="reasons",
        title=_("补正原因"),
        lead=_("这段时间发出补正通知 {n} 份。一份通知可以列出多项。").format(n=found.returned.corrections),
        head=_("原因"),
        columns=[Column(_("项数"), "amber"), Column(_("占比"))],
        rows=rows,
        plot="across",
        empty=_("这段时间没有发出补正通知。"),
    )


def _reason(code: str) -> str:
    return codes.label("reason", code) if code else _("未注明原因代码")


def _final_table(found: Numbers) -> Table:
    made = found.finals

    def row(label: str, number: int, *, changed: bool) -> Row:
        share = Figure(round(100 * number / made.decided, 1) if made.decided else None, unit="%")
        counted = [Figure(None), Figure(number)] if changed else [Figure(number), Figure(None)]
        return Row(label, [*counted, share])

    rows = [
        row(_("初审通过，准予注册"), made.passed_granted, changed=False),
        row(_("初审不通过，不予注册"), made.failed_refused, changed=False),
        row(_("初审通过，不予注册"), made.passed_refused, changed=True),
        row(_("初审不通过，准予注册"), made.failed_granted, changed=True),
        row(_("退回初审"), made.remanded, changed=True),
    ]
    whole = [Figure(made.upheld), Figure(made.overturned), Figure(100 if made.decided else None, unit="%")]
    rows.append(Row(_("合计"), whole, total=True))
    return Table(
        key="finals",
        title=_("终审结果与初审意见"),
        lead=_("终审机构在这段时间作出的决定和退回。同一案卷退回后又作出决定的，两次都计算。"),
        head=_("结果"),
        columns=[Column(_("与初审一致"), "blue"), Column(_("改变初审意见"), "amber"), Column(_("占比"))],
        rows=rows,
        plot="across",
        empty=_("终审机构在这段时间没有对本机构报送的案卷作出决定。"),
    )
