"""收发室: how the post stands, what was given up, and asking that it be sent once more."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from notifications import post_office
from notifications.post_office import BOARD, WAYS, Standing
from review import letter_figures, letter_files
from review.models import Case
from review.views.desk import Text, in_its_agency, need, of_this_agency, private, told
from review.views.figures import Column, Figure, Row, Table
from tenants.guards import StaffRequest, staff_required
from tenants.rolebook import KEEPS_HOUSE
from tenants.roles import (
    ADMINISTRATOR,
    AUDITOR,
    AUTHORITY_AUDITOR,
    FINAL_REVIEWER,
    MANAGER,
    REGISTRAR,
    REVIEWER,
    SIGNING_OFFICER,
    SUPERVISOR,
)

# From so long on a waiting notice is an alarm: beat sweeps every few seconds.
LATE_SECONDS: Final = 300
# The ways as they stand in an address.
KEYS: Final[Mapping[str, str]] = {post_office.name_of(way): way for way in WAYS}


# --- The page ----------------------------------------------------------------------------------------


@staff_required(ADMINISTRATOR, AUTHORITY_AUDITOR, MANAGER, AUDITOR)
@require_safe
def page(request: StaffRequest) -> HttpResponse:
    """The figures (the authority's desk), and what was given up: everybody's, or the agency's own."""
    counts = post_office.dead_counts()
    way, kind = _chosen(request.GET)
    after = request.GET.get("after", "")
    found = post_office.dead_letters(way=way, kind=kind, after=after, most=post_office.PER_PAGE + 1)
    dead = found[: post_office.PER_PAGE]
    chosen = _query(way, kind)
    context = {
        "lead": _lead(request),
        "tabs": _tabs(counts, way, kind),
        "kinds": [(code, post_office.kind_label(code)) for code in sorted({code for _way, code in counts})],
        "kind": kind,
        "way_key": "" if way is None else post_office.name_of(way),
        "dead": dead,
        "total": _count(counts, way, kind),
        "query": urlencode(chosen),
        "asks": bool(request.roles & KEEPS_HOUSE),
        "first_url": _address(chosen) if after else "",
        "next_url": _address({**chosen, "after": dead[-1].place}) if len(found) > len(dead) else "",
    }
    if request.agency.is_authority:
        standing = post_office.standing()
        headline = [*_headline(standing), *_letters(letter_files.figures())]
        context |= {"headline": headline, "table": _table(standing), "hours": _hours()}
    return private(render(request, "review/post_room.html", context))


def _lead(request: StaffRequest) -> str:
    if request.agency.is_authority:
        return _("通知和信件有没有按时送出，哪些多次没有送成。")
    return _("发给本机构工作人员和本机构案卷申请人的通知中，多次没有送成的列在这里。")


def _chosen(query: QueryDict) -> tuple[str | None, str]:
    """Way and kind as they stand in an address; an unknown way means all."""
    return KEYS.get(query.get("way", "")), query.get("kind", "").replace("\0", "")


def _query(way: str | None, kind: str) -> dict[str, str]:
    parts = {"way": "" if way is None else post_office.name_of(way), "kind": kind}
    return {name: value for name, value in parts.items() if value}


def _address(query: Mapping[str, str]) -> str:
    return f"{reverse('post-room')}?{urlencode(query)}" if query else reverse("post-room")


def _count(counts: Mapping[tuple[str, str], int], way: str | None, kind: str) -> int:
    return sum(n for (on, code), n in counts.items() if way in (None, on) and kind in ("", code))


def _tabs(counts: Mapping[tuple[str, str], int], way: str | None, kind: str) -> list[dict[str, object]]:
    ways: list[tuple[str | None, Text]] = [(None, _("全部")), *WAYS.items()]
    return [
        {
            "label": label,
            "url": _address(_query(each, kind)),
            "current": each == way,
            "count": _count(counts, each, kind),
        }
        for each, label in ways
    ]


def _headline(standing: Standing) -> list[tuple[Text, Figure]]:
    late = standing.oldest_seconds > LATE_SECONDS
    return [
        (_("等待送出"), Figure(standing.waiting)),
        (_("最早一件已等待"), Figure(None, text=_span(standing), alarm=late)),
        (_("公告栏送达用时，中位数"), Figure(standing.board.p50, unit=_(" 秒"))),
        (_("公告栏送达用时，95% 不超过"), Figure(standing.board.p95, unit=_(" 秒"))),
        (_("停止发送"), Figure(standing.dead, alarm=standing.dead > 0)),
        (_("最近一次巡查"), Figure(None, text=_swept(standing))),
    ]


def _letters(found: letter_files.Figures) -> list[tuple[Text, Figure]]:
    waits = in_words(letter_figures.oldest_seconds(found)) if found.waiting else _("没有等待的")
    return [
        (_("等待生成的文书"), Figure(found.waiting, alarm=found.late > 0)),
        (_("最早一份文书已等待"), Figure(None, text=waits, alarm=found.late > 0)),
        (_("未能生成、等待重试的文书"), Figure(found.failing, alarm=found.failing > 0)),
        (_("存档损坏的文书"), Figure(found.damaged, alarm=found.damaged > 0)),
    ]


def _span(standing: Standing) -> str:
    return in_words(standing.oldest_seconds) if standing.waiting else _("没有等待的")


def _swept(standing: Standing) -> str:
    seconds = standing.swept_seconds
    return _("不详") if seconds is None else _("{span}前").format(span=in_words(seconds))


def in_words(seconds: float) -> str:
    """A span of time as one says it."""
    for size, words in ((86400, _("{n} 天")), (3600, _("{n} 小时")), (60, _("{n} 分钟"))):
        if seconds >= size:
            return words.format(n=int(seconds // size))
    return _("{n} 秒").format(n=int(seconds))


def _table(standing: Standing) -> Table:
    return Table(
        key="ways",
        title=_("各渠道"),
        lead=_("用时从写下通知到送出，取最近一小时（最多最近 5000 件）。"),
        head=_("渠道"),
        columns=[
            Column(_("等待"), "amber"),
            Column(_("停止发送"), "grey"),
            Column(_("最近一小时送出"), "blue"),
            Column(_("用时中位数（秒）")),
            Column(_("95% 用时（秒）")),
        ],
        rows=[
            Row(
                figures.label,
                [
                    Figure(figures.waiting, alarm=standing.waits_of(figures) > LATE_SECONDS),
                    Figure(figures.dead, alarm=figures.dead > 0),
                    Figure(figures.sent),
                    Figure(figures.p50),
                    Figure(figures.p95),
                ],
            )
            for figures in standing.ways
        ],
        plot="",
        empty=_("最近一小时没有通知，也没有等待送出的。"),
    )


def _hours() -> Table:
    return Table(
        key="hours",
        title=_("最近一天"),
        lead=_("每小时送出多少；“还在等待”按应当送出的时间列在该小时（最多最近 50000 件）。"),
        head=_("小时"),
        columns=[
            *(
                Column(label, tone)
                for label, tone in zip(WAYS.values(), ("blue", "teal", "sky"), strict=True)
            ),
            Column(_("还在等待"), "amber"),
        ],
        rows=[
            Row(
                date_format(localtime(hour.at), "H:i"),
                [*(Figure(hour.sent[way]) for way in WAYS), Figure(hour.waiting)],
            )
            for hour in post_office.last_day()
        ],
        plot="stacked",
        empty=_("最近一天没有通知。"),
    )


# --- Once more ---------------------------------------------------------------------------------------


@staff_required(ADMINISTRATOR, MANAGER)
@require_http_methods(["GET", "POST"])
def resend(request: StaffRequest) -> HttpResponse:
    """Ask for one line again at once; for all that are chosen after a question."""
    if request.method == "POST" and "letter" in request.POST:
        return _one(request)
    way, kind = _chosen(request.GET)
    back = _address(_query(way, kind))
    if request.method == "POST":
        _say(request, post_office.ask_for_dead(by=request.user, way=way, kind=kind))
        return redirect(back)
    total = _count(post_office.dead_counts(), way, kind)
    need(total)
    context = {
        "title": _("重新发送停止发送的通知？"),
        "lines": [
            _("共 {n} 件：{way}，{kind}。").format(
                n=total,
                way=_("全部渠道") if way is None else WAYS[way],
                kind=post_office.kind_label(kind) if kind else _("全部通知"),
            ),
            _("每次最多 {n} 件，其余的请再次办理。").format(n=post_office.MOST_AT_ONCE),
            _("请先查明并排除原因，否则会再次失败。谁在什么时候要求重新发送，会有记录。"),
        ],
        "act_label": _("确定重新发送"),
        "tone": "primary",
        "cancel_url": back,
    }
    return private(render(request, "components/confirm.html", context))


def _one(request: StaffRequest) -> HttpResponse:
    letter = request.POST["letter"]
    way = KEYS.get(request.POST.get("on", ""), BOARD)
    need(letter.isascii() and letter.isdecimal() and len(letter) < 19)
    _say(request, post_office.ask_for_dead(by=request.user, only=(int(letter), way)))
    return redirect("post-room")


def _say(request: HttpRequest, asked: int) -> None:
    if asked:
        messages.success(request, _("已申请重新发送 {n} 件，系统随后办理。").format(n=asked))
    else:
        messages.error(request, _("没有需要重新发送的通知：可能已经有人申请，或者已经送出。"))


# --- On the page of a case ---------------------------------------------------------------------------


@staff_required(REVIEWER, SUPERVISOR, FINAL_REVIEWER, SIGNING_OFFICER, REGISTRAR)
@require_POST
def case_resend(request: StaffRequest, case_id: UUID) -> HttpResponse:
    """Ask that a notice to the applicant of this case be sent once more."""
    view = _of_the_authority if request.agency.is_authority else _of_the_agency
    return view(request, case_id)


def _case_resend(request: StaffRequest, case: Case) -> HttpResponse:
    letter = request.POST.get("letter", "")
    need(letter.isascii() and letter.isdecimal() and len(letter) < 19)
    told(
        request,
        _("已申请重新发送，系统随后办理。"),
        lambda: post_office.ask_again(
            case_id=case.pk, letter=int(letter), way=request.POST.get("way", ""), by=request.user
        ),
    )
    return redirect(f"{reverse('case', args=[case.pk])}#told")


_of_the_agency = of_this_agency(_case_resend)
_of_the_authority = in_its_agency(_case_resend)
