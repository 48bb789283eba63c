"""Oversight of all agencies: each figure leads to the list of cases behind it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import date
from functools import partial
from typing import Any, Final

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from register import clock
from register.tables import Form
from review import docket_exports, numbers, oversight
from review.numbers import ONE_WEEK, Period
from review.oversight import Band, Fares, Load, Oversight
from review.queue import Due, Fared
from review.states import Clock
from review.views import listing
from review.views.desk import AUTHORITY_READERS, READERS, Text, actor, private
from review.views.figures import Column, Figure, Row, Table, book_of, csv_of, week
from tenants.errors import Refusal
from tenants.guards import StaffRequest, staff_required
from tenants.models import Agency

CLOCK_TONES: Final = {
    Clock.ACCEPTANCE: "blue",
    Clock.CORRECTION: "amber",
    Clock.FIRST_REVIEW: "teal",
    Clock.REMAND: "grey",
    Clock.FINAL_REVIEW: "sky",
    Clock.ISSUE: "ink",
}
STEP_LABELS: Final[Mapping[str, tuple[str | Promise, str]]] = {
    "lodged": (gettext_lazy("上报"), "grey"),
    "reported": (gettext_lazy("报送终审"), "sky"),
    "decided": (gettext_lazy("终审决定"), "blue"),
}
WARMEST: Final = 5


# --- The pages -----------------------------------------------------------------------------------------


@staff_required()
@require_safe
def page(request: StaffRequest) -> HttpResponse:
    """What is old, what is over, what falls due, how it moves and what comes back, over all agencies."""
    period, channel = _asked(request)
    found = oversight.overlook(period, channel=channel)
    context = {
        "period": period,
        "since": period.mondays[0],
        "channel": channel,
        "channels": _channels(),
        "periods": _periods(period, channel),
        "headline": _headline(found, Lists(channel)),
        "tables": _tables(found, period, channel),
        "query": _query(period, channel),
        "orders": bool(request.roles & READERS),
    }
    return private(render(request, "review/authority/oversight.html", context))


@staff_required()
@require_safe
def workbook(request: StaffRequest) -> HttpResponse:
    """The same tables as a workbook, a sheet for each."""
    period, channel = _asked(request)
    tables = _tables(oversight.overlook(period, channel=channel), period, channel)
    return _file(book_of(tables), Form.XLSX, "oversight", period, channel)


@staff_required()
@require_safe
def table_csv(request: StaffRequest, key: str) -> HttpResponse:
    """One of the tables as a text."""
    period, channel = _asked(request)
    tables = _tables(oversight.overlook(period, channel=channel), period, channel)
    table = next((table for table in tables if table.key == key), None)
    if table is None:
        raise Http404
    return _file(csv_of(table), Form.CSV, f"oversight-{key}", period, channel)


@staff_required(*AUTHORITY_READERS)
@require_POST
def summary_list(request: StaffRequest) -> HttpResponse:
    """Order the national summary list (申请注册人员汇总表) of all cases that wait for the final review."""
    try:
        docket_exports.ask_summary(by=actor(request), agency=request.agency, user=request.user)
    except Refusal as no:
        messages.error(request, str(no.message))
        return redirect("oversight")
    messages.success(request, _("全国汇总表正在生成，完成后可以在这里下载。"))
    return redirect("prepared-files")


def _asked(request: StaffRequest) -> tuple[Period, str]:
    channel = request.GET.get("channel", "")
    known = {value for value, _label in _channels()}
    return numbers.period(request.GET.get("weeks", "")), channel if channel in known else ""


def _channels() -> list[tuple[str, str]]:
    return [(kind.value, str(kind.label)) for kind in Agency.Kind if kind != Agency.Kind.AUTHORITY]


def _query(period: Period, channel: str) -> str:
    asked = {"weeks": str(period.weeks), "channel": channel}
    return urlencode({name: value for name, value in asked.items() if value})


def _periods(chosen: Period, channel: str) -> list[dict[str, object]]:
    words = {4: _("近 4 周"), 12: _("近 12 周"), 52: _("近 52 周")}
    return [
        {
            "label": words[weeks],
            "url": f"{reverse('oversight')}?{_query(Period(weeks), channel)}",
            "current": weeks == chosen.weeks,
        }
        for weeks in numbers.PERIODS
    ]


def _file(data: bytes, form: Form, name: str, period: Period, channel: str) -> HttpResponse:
    response = HttpResponse(data, content_type=form.content_type)
    parts = [name, *([channel] if channel else []), f"{clock.today():%Y%m%d}", f"{period.weeks}w"]
    response["Content-Disposition"] = f'attachment; filename="{"-".join(parts)}.{form.value}"'
    return private(response)


# --- The lists behind the figures ----------------------------------------------------------------------


class Lists:
    """The addresses of the docket with filters, of one channel if any; built by the thousand for a page."""

    def __init__(self, channel: str) -> None:
        self.channel = channel
        self.start = listing.address(tab="all", channel=channel)

    def __call__(self, **wish: Any) -> str:
        """The docket with these filters; days are written as they stand in the address."""
        return f"{self.start}{''.join(f'&{name}={value}' for name, value in wish.items() if value)}"


# --- The tables ----------------------------------------------------------------------------------------


def _tables(found: Oversight, period: Period, channel: str) -> list[Table]:
    listed = Lists(channel)
    return [
        _heat_table(found, listed),
        _breach_table(found, listed),
        _forecast_table(found, listed),
        _throughput_table(found, period, listed),
        _fares_table(found, period, listed),
    ]


def _headline(found: Oversight, listed: Lists) -> list[tuple[Text, Figure]]:
    whole = _sum_of_loads(found)
    over = sum(breach.number for breach in found.breaches.values())
    ahead = sum(number for (day, _which), number in found.due.items() if day >= found.days[0])
    fares = _sum_of_fares(found)
    return [
        (_("在办案卷"), Figure(whole.total, listed(open="1"))),
        (_("已超期"), Figure(over, listed(due=Due.OVER.value), alarm=over > 0)),
        (
            _("十个工作日内到期"),
            Figure(ahead, listed(due_since=found.days[0], due_until=found.days[-1])),
        ),
        (_("终审退回率"), _rate(fares.remanded, fares.reported)),
        (_("改变初审意见率"), _rate(fares.overturned, fares.decided)),
    ]


def _sum_of_loads(found: Oversight) -> Load:
    columns = zip(*(load.ages for load in found.loads.values()), strict=True)
    ages = tuple(map(sum, columns)) or (0,) * len(found.bands)
    return Load(ages, sum(load.overdue for load in found.loads.values()))


def _heat_table(found: Oversight, listed: Lists) -> Table:
    most = max((number for load in found.loads.values() for number in load.ages), default=0)
    nothing = Load((), 0)
    busy = [agency for agency in found.agencies if found.loads.get(agency.pk, nothing).total]
    busy.sort(key=lambda agency: (found.loads[agency.pk].worst_first, agency.number))
    figures = partial(_heat_figures, bands=found.bands, listed=listed)
    whole = _sum_of_loads(found)
    rows = [Row(_("合计") if listed.channel else _("全国合计"), figures(whole, most=0), total=True)]
    rows += [Row(each.name, figures(found.loads[each.pk], most=most, agency=each.code)) for each in busy]
    return Table(
        key="age",
        title=_("各机构在办案卷的时间"),
        lead=_(
            "在办案卷自上报之日起已过的工作日。超期和积压最多的机构在前，颜色越深件数越多。"
            "点数字可以打开相应的案卷。"
        ),
        head=_("注册机构"),
        columns=[
            Column(_("在办")),
            Column(_("其中超期")),
            Column(_("5 个工作日以内")),
            Column(_("6—10 个工作日")),
            Column(_("11—20 个工作日")),
            Column(_("21—40 个工作日")),
            Column(_("超过 40 个工作日")),
        ],
        rows=rows,
        plot="",
        empty=_("没有在办的案卷。"),
        folded=_others(found, busy),
    )


def _others(found: Oversight, shown: Sequence[Agency]) -> list[Text]:
    keys = {agency.pk for agency in shown}
    return [agency.name for agency in found.agencies if agency.pk not in keys]


def _heat_figures(
    load: Load, *, bands: Sequence[Band], listed: Lists, most: int, agency: str = ""
) -> list[Figure]:
    its = partial(listed, open="1", agency=agency)
    return [
        Figure(load.total, its()),
        Figure(load.overdue, its(due=Due.OVER.value), alarm=load.overdue > 0),
        *(
            Figure(number, its(lodged_since=band.since, lodged_until=band.until), heat=_heat(number, most))
            for number, band in zip(load.ages, bands, strict=True)
        ),
    ]


def _heat(number: int, most: int) -> int:
    """How strongly a cell is tinted: by the order of magnitude, so that a giant does not pale all others."""
    if not number or not most:
        return 0
    return max(1, math.ceil(WARMEST * math.log1p(number) / math.log1p(most)))


def _breach_table(found: Oversight, listed: Lists) -> Table:
    turns = {
        Clock.CORRECTION: _("申请人"),
        Clock.FINAL_REVIEW: _("终审机构"),
        Clock.ISSUE: _("终审机构"),
    }
    rows = []
    for which in Clock:
        breach = found.breaches[which.value]
        its = listed(clock=which.value, due=Due.OVER.value)
        oldest = _shown(breach.oldest) if breach.oldest else "—"
        figures = [Figure(breach.number, its, alarm=breach.number > 0), Figure(None, text=oldest)]
        rows.append(Row(which.label, [*figures, Figure(None, text=str(turns.get(which, _("初审机构"))))]))
    over = sum(breach.number for breach in found.breaches.values())
    whole = [Figure(over, listed(due=Due.OVER.value)), Figure(None), Figure(None)]
    rows.append(Row(_("合计"), whole, total=True))
    return Table(
        key="breaches",
        title=_("现在超期的案卷"),
        lead=_(
            "期限已过而尚未办理的，按期限的种类列出。初审环节的期限对设为内部目标的机构只作参考，"
            "补正期限届满的由系统依法终止。"
        ),
        head=_("期限"),
        columns=[Column(_("超期件数"), "red"), Column(_("最早届满日")), Column(_("由谁办理"))],
        rows=rows,
        plot="across",
        empty=_("现在没有超期的案卷。"),
    )


def _shown(day: date) -> str:
    return f"{day:%Y-%m-%d}"


def _forecast_table(found: Oversight, listed: Lists) -> Table:
    def figure(day: date, which: Clock) -> Figure:
        its = listed(clock=which.value, due_since=day, due_until=day)
        return Figure(found.due.get((day, which.value), 0), its)

    rows = []
    for day in found.days:
        each = [figure(day, which) for which in Clock]
        number = sum(int(one.value or 0) for one in each)
        label = _("今天（{day}）").format(day=week(day)) if day == found.days[0] else week(day)
        rows.append(Row(label, [*each, Figure(number, listed(due_since=day, due_until=day))]))
    first, last = found.days[0], found.days[-1]
    sums = [sum(int(row.figures[place].value or 0) for row in rows) for place in range(len(Clock) + 1)]
    whole = [
        Figure(number, listed(clock=which, due_since=first, due_until=last))
        for number, which in zip(sums, [*(which.value for which in Clock), ""], strict=True)
    ]
    rows.append(Row(_("合计"), whole, total=True))
    return Table(
        key="forecast",
        title=_("今天和以后十个工作日到期的案卷"),
        lead=_("按期限届满日和期限的种类列出，只计现在已经起算的期限。"),
        head=_("届满日"),
        columns=[*(Column(which.label, CLOCK_TONES[which]) for which in Clock), Column(_("合计"))],
        rows=rows,
        plot="stacked",
        empty=_("今天和以后十个工作日没有到期的案卷。"),
    )


def _throughput_table(found: Oversight, period: Period, listed: Lists) -> Table:
    def figures(counted: Mapping[str, int], since: date, until: date) -> list[Figure]:
        return [
            Figure(counted[step], listed(**{f"{step}_since": since, f"{step}_until": until}))
            for step in STEP_LABELS
        ]

    today = clock.today()
    rows = [
        Row(week(monday), figures(counted, monday, min(today, monday + ONE_WEEK - clock.ONE_DAY)))
        for monday, counted in found.weeks
    ]
    sums = {step: sum(counted[step] for _monday, counted in found.weeks) for step in STEP_LABELS}
    rows.append(Row(_("合计"), figures(sums, period.mondays[0], today), total=True))
    return Table(
        key="throughput",
        title=_("每周办理量"),
        lead=_("按上报、最近一次报送终审和终审决定生效的日期计算，最后一周尚未结束。"),
        head=_("周（星期一）"),
        columns=[Column(label, tone) for label, tone in STEP_LABELS.values()],
        rows=rows,
        plot="line",
        empty=_("这段时间没有办理记录。"),
    )


def _fares_table(found: Oversight, period: Period, listed: Lists) -> Table:
    figures = partial(_fares_figures, since=period.mondays[0], listed=listed)
    nothing = Fares()
    moved = [agency for agency in found.agencies if not found.fares.get(agency.pk, nothing).nothing]

    def worst(agency: Agency) -> tuple[float, ...]:
        fares = found.fares[agency.pk]
        returned = fares.remanded + fares.overturned
        return (-returned, -fares.corrected, agency.number)

    rows = [Row(_("合计") if listed.channel else _("全国合计"), figures(_sum_of_fares(found)), total=True)]
    rows += [
        Row(agency.name, figures(found.fares[agency.pk], agency=agency.code))
        for agency in sorted(moved, key=worst)
    ]
    return Table(
        key="rates",
        title=_("各机构的补正、退回和改变"),
        lead=_(
            "这段时间上报的案卷中补正过的，报送终审的案卷中退回过的，作出决定的案卷中改变初审意见的。"
            "退回和改变最多的机构在前。"
        ),
        head=_("注册机构"),
        columns=[
            Column(_("上报")),
            Column(_("补正过")),
            Column(_("补正率")),
            Column(_("报送终审")),
            Column(_("退回过")),
            Column(_("退回率")),
            Column(_("终审决定")),
            Column(_("改变意见")),
            Column(_("改变率")),
        ],
        rows=rows,
        plot="",
        empty=_("这段时间没有办理记录。"),
        folded=_others(found, moved),
    )


def _fares_figures(fares: Fares, *, since: date, listed: Lists, agency: str = "") -> list[Figure]:
    today = clock.today()

    def triple(step: str, whole: int, fared: Fared, part: int) -> list[Figure]:
        span = {f"{step}_since": since, f"{step}_until": today}
        return [
            Figure(whole, listed(agency=agency, **span)),
            Figure(part, listed(agency=agency, fared=fared.value, **span)),
            _rate(part, whole),
        ]

    return [
        *triple("lodged", fares.lodged, Fared.CORRECTED, fares.corrected),
        *triple("reported", fares.reported, Fared.REMANDED, fares.remanded),
        *triple("decided", fares.decided, Fared.OVERTURNED, fares.overturned),
    ]


def _sum_of_fares(found: Oversight) -> Fares:
    names = Fares.__dataclass_fields__
    return Fares(**{name: sum(getattr(each, name) for each in found.fares.values()) for name in names})


def _rate(part: int, whole: int) -> Figure:
    return Figure(round(100 * part / whole, 1) if whole else None, unit="%")
