"""The calendar of working days: everybody at the authority reads it, the administrator keeps it."""

from __future__ import annotations

import logging
from datetime import date
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from register import clock, holidays
from register.holidays import Entry, Plan
from register.models import DocketEntry, Holiday
from review import tasks
from review.forms.holidays import OFF, WORK, AnnouncementForm, DayForm
from review.states import OPEN
from review.views.desk import posted
from tenants.errors import Refusal
from tenants.guards import StaffRequest, staff_required
from tenants.roles import ADMINISTRATOR

log = logging.getLogger(__name__)


@staff_required()
@require_safe
def calendar(request: StaffRequest) -> HttpResponse:
    """A year of working days: what counts, whence it is known, and who changed the table."""
    number = _year(request.GET.get("year", ""))
    today = clock.today()
    context = {
        "year": holidays.year(number),
        "years": [n for n in range(today.year - 2, today.year + holidays.YEARS_AHEAD) if n != number],
        "previous": number - 1 if holidays.is_possible(number - 1) else None,
        "next": number + 1 if holidays.is_possible(number + 1) else None,
        "is_past": number < today.year,
        "provisional_lines": _provisional(number),
        "marks": list(holidays.Mark),
        "weekdays": _weekdays(),
        "changes": holidays.changes(),
        "keeps_calendar": ADMINISTRATOR.code in request.roles,
    }
    return render(request, "review/authority/holidays.html", context)


def _weekdays() -> list[str]:
    return [_("一"), _("二"), _("三"), _("四"), _("五"), _("六"), _("日")]


def _year(text: str) -> int:
    number = int(text) if text.isdecimal() and len(text) == 4 else clock.today().year
    return number if holidays.is_possible(number) else clock.today().year


def _provisional(year: int) -> int:
    """How many open deadlines are provisional because this year is not announced."""
    return DocketEntry.objects.filter(state__in=OPEN, due_provisional=True, due_on__year=year).count()


# --- One day -----------------------------------------------------------------------------------------


@staff_required(ADMINISTRATOR)
@require_http_methods(["GET", "POST"])
def day(request: StaffRequest) -> HttpResponse:
    """Add a day to the table, or change one."""
    form = DayForm(posted(request), initial=_known(request.GET.get("day", "")))
    if request.method == "POST" and form.is_valid():
        entry = form.entry()
        if _enter(request, [entry]):
            messages.success(request, _("已保存。受影响的在办期限将自动重新计算。"))
        else:
            messages.info(request, _("表中已是这样，没有改动。"))
        return redirect(_page_of(entry.day.year))
    return render(request, "review/authority/holiday.html", {"form": form, "back": _back(form)})


def _known(text: str) -> dict[str, Any]:
    """What the table says about the day that the address names, or the day alone."""
    try:
        asked = date.fromisoformat(text)
    except ValueError:
        return {}
    row = Holiday.objects.filter(day=asked).first()
    if row is None:
        return {"day": asked, "what": OFF if clock.is_working_day(asked) else WORK}
    return {"day": asked, "what": WORK if row.working else OFF, "name": row.name}


def _back(form: DayForm) -> str:
    asked = form.initial.get("day")
    return _page_of(asked.year) if isinstance(asked, date) else reverse("holidays")


@staff_required(ADMINISTRATOR)
@require_http_methods(["GET", "POST"])
def removal(request: StaffRequest, day: str) -> HttpResponse:
    """Take a day out of the table, asked once."""
    row = _row(day)
    if request.method == "POST":
        try:
            with transaction.atomic():
                holidays.remove(row.day, by=request.user, at=clock.now())
                transaction.on_commit(_ring, robust=True)
        except Refusal as no:
            messages.error(request, str(no.message))
        else:
            messages.success(request, _("已删除。受影响的在办期限将自动重新计算。"))
        return redirect(_page_of(row.day.year))
    context = {
        "title": _("确定删除{day}（{name}）吗？").format(day=date_format(row.day), name=row.name),
        "lines": [_("删除后，这一天按已公布的放假安排计算；该年尚未公布的，按周末和固定节日暂定。")],
        "act_label": _("确定删除"),
        "tone": "danger",
        "cancel_url": _page_of(row.day.year),
    }
    return render(request, "components/confirm.html", context)


def _row(day: str) -> Holiday:
    try:
        return Holiday.objects.get(day=date.fromisoformat(day))
    except (ValueError, Holiday.DoesNotExist) as error:
        raise Http404 from error


# --- A year's announcement -----------------------------------------------------------------------------


@staff_required(ADMINISTRATOR)
@require_http_methods(["GET", "POST"])
def announcement(request: StaffRequest) -> HttpResponse:
    """Bring in a year's announcement: first shown day by day, written when confirmed."""
    form = AnnouncementForm(posted(request), request.FILES if request.method == "POST" else None)
    plan: Plan | None = None
    if request.method == "POST" and form.is_valid():
        plan = form.plan
        if "confirmed" in request.POST and not plan.faults:
            return _bring_in(request, plan)
    context = {
        "form": form,
        "plan": plan,
        "faults": [
            {"message": _("第 {n} 行：{text}").format(n=fault.line, text=fault.text), "href": "#id_lines"}
            for fault in (plan.faults if plan else ())
        ],
        "concerned": _concerned(plan.first) if plan and plan.first else 0,
        "previewed": plan is not None and not plan.faults,
    }
    return render(request, "review/authority/announcement.html", context)


def _concerned(first: date) -> int:
    """How many open deadlines run up to a changed day or beyond it."""
    return DocketEntry.objects.filter(state__in=OPEN, due_on__gte=first).count()


def _bring_in(request: StaffRequest, plan: Plan) -> HttpResponse:
    changed = _enter(request, [planned.entry for planned in plan.days])
    said = _("已写入 {n} 天。受影响的在办期限将自动重新计算。").format(n=changed)
    messages.success(request, said if changed else _("表中已是这样，没有改动。"))
    return redirect(_page_of(plan.days[-1].entry.day.year))


def _enter(request: StaffRequest, entries: list[Entry]) -> int:
    with transaction.atomic():
        changed = holidays.enter(entries, by=request.user, at=clock.now())
        if changed:
            transaction.on_commit(_ring, robust=True)
    return changed


def _ring() -> None:
    """Have open deadlines counted anew at once; a bell that is not heard is made good by the beat."""
    try:
        tasks.recompute.delay()
    except Exception as error:  # whatever the broker's client raises, the calendar stands
        log.warning("The bell for counting anew did not ring: %s", error)


def _page_of(year: int) -> str:
    return f"{reverse('holidays')}?year={year}"
