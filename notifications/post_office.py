"""The reading side of the post room: what was told and what became of it, what waits, what was given up.

No desk reads the outbox. It asks the walls' functions, which answer with kinds, times and outcomes: with
no text and no address. What was given up is sent once more by the clerk; a desk only asks for it here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db import connection
from django.db.models import JSONField
from django.db.models.expressions import RawSQL
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from notifications import pulse
from notifications.catalogue import KINDS
from notifications.models import Delivery, Resend
from tenants import crossing
from tenants.crossing import Desk
from tenants.errors import Refusal
from tenants.models import User

Text = str | Promise

BOARD: Final = ""
WAYS: Final[Mapping[str, Text]] = {BOARD: _("公告栏"), **{c.value: c.label for c in Delivery.Channel}}
# The pace is that of the last hour; what was given up is listed and asked for in portions.
PACE_HOURS: Final = 1
HOURS_SHOWN: Final = 24
PER_PAGE: Final = 50
MOST_AT_ONCE: Final = 500

# What an error means, by the name that the program gives it.
FAULTS: Final[Mapping[str, Text]] = {
    "SMTPRecipientsRefused": _("对方邮件服务器不接受该地址"),
    "SMTPSenderRefused": _("邮件服务器不接受发件地址"),
    "SMTPDataError": _("邮件服务器没有收下邮件"),
    "SMTPAuthenticationError": _("邮件服务器不接受登录"),
    "SMTPConnectError": _("连接不上邮件服务器"),
    "SMTPServerDisconnected": _("邮件服务器中断了连接"),
    "SMTPResponseException": _("邮件服务器拒绝"),
    "ConnectionRefusedError": _("连接不上对方服务器"),
    "ConnectionResetError": _("对方服务器中断了连接"),
    "TimeoutError": _("对方服务器没有及时答复"),
    "timeout": _("对方服务器没有及时答复"),
    "gaierror": _("找不到对方服务器"),
    "URLError": _("连接不上对方服务器"),
    "HTTPError": _("短信网关拒绝"),
}


def kind_label(kind: str) -> Text:
    """What a kind of notice is called; a kind that the catalogue no longer has, by its code."""
    return KINDS[kind].label if kind in KINDS else kind


# --- What became of what was told ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Outcome:
    """How far a letter came on one way: `done`, `waits`, `dropped` (not to be sent) or `dead` (given up)."""

    way: str
    state: str
    at: datetime | None = None
    asked_at: datetime | None = None

    @property
    def label(self) -> Text:
        return WAYS[self.way]

    @property
    def word(self) -> Text:
        if self.state == "dead" and self.asked_at:
            return _("已申请重新发送")
        return (BOARD_WORDS if self.way == BOARD else WORDS)[self.state]

    @property
    def may_be_asked_for(self) -> bool:
        """Given up, and nobody has asked for it yet."""
        return self.state == "dead" and self.asked_at is None


WORDS: Final[Mapping[str, Text]] = {
    "done": _("已发送"),
    "waits": _("等待发送"),
    "dropped": _("未发送：地址不可用，或者本人不接收此类通知"),
    "dead": _("未送出：多次发送没有成功"),
}
BOARD_WORDS: Final[Mapping[str, Text]] = {
    "done": _("已送达"),
    "waits": _("等待送达"),
    "dead": _("未送达：多次尝试没有成功"),
}


@dataclass(frozen=True, slots=True)
class Told:
    """One notice: what it is, when it was posted, how far it came on the board and on the other ways."""

    letter: int
    kind: str
    cause: str
    posted_at: datetime
    notice: int | None
    read_at: datetime | None
    board: Outcome
    ways: tuple[Outcome, ...] = ()

    @property
    def label(self) -> Text:
        return kind_label(self.kind)

    @property
    def outcomes(self) -> tuple[Outcome, ...]:
        """The board first."""
        return (self.board, *self.ways)


def _of_case() -> str:
    """The function that this desk may ask: an agency of its own cases only."""
    return f"public.{'post_of_our_case' if crossing.here().desk is Desk.AGENCY else 'post_of_case'}(%s)"


def told_of_case(case_id: UUID) -> list[Told]:
    """What the applicant of a case was told, in the order posted: one query. An agency asks for its own."""
    return _told(_rows(f"SELECT * FROM {_of_case()}", case_id))  # noqa: S608 - one of two names


def column_of_case(case_id: UUID) -> RawSQL:
    """What `told_of_case` answers, as a column of whatever else is asked in one go; `read` makes it out."""
    rows = f"(SELECT jsonb_agg(to_jsonb(t)) FROM {_of_case()} t)"  # noqa: S608 - one of two names
    return RawSQL(rows, [case_id], output_field=JSONField())  # noqa: S611 - the key is a parameter


def read(column: Sequence[Mapping[str, Any]] | None) -> list[Told]:
    """What was told, out of the column."""
    return _told(
        [
            tuple(datetime.fromisoformat(v) if k.endswith("_at") and v else v for k, v in row.items())
            for row in ({name: row[name] for name in TOLD_COLUMNS} for row in column or ())
        ]
    )


def told_to_me(case_id: UUID | None = None, notices: Iterable[int] = ()) -> list[Told]:
    """What the applicant at the screen was told: about an application, or by these notices. One query."""
    return _told(_rows("SELECT * FROM public.my_post(%s, %s)", case_id, list(notices)))


def by_cause(told: Iterable[Told]) -> dict[str, tuple[Told, ...]]:
    """What was told by each cause; for a case that is the movement's id."""
    found: dict[str, tuple[Told, ...]] = {}
    for one in told:
        found[one.cause] = (*found.get(one.cause, ()), one)
    return found


TOLD_COLUMNS: Final = (
    *("letter", "kind", "cause", "posted_at", "notice", "delivered_at", "read_at", "dead_at", "asked_at"),
    *("way", "way_sent_at", "way_dropped_at", "way_dead_at", "way_asked_at"),
)


def _told(rows: Iterable[Sequence[Any]]) -> list[Told]:
    found: dict[int, Told] = {}
    for letter, kind, cause, posted, notice, delivered, seen, dead, again, way, *of_way in rows:
        if letter not in found:
            board = Outcome(BOARD, _state(delivered, None, dead), delivered or dead, again)
            found[letter] = Told(letter, kind, cause, posted, notice, seen, board)
        if way:
            sent, dropped, given_up, asked_at = of_way
            outcome = Outcome(way, _state(sent, dropped, given_up), sent or dropped or given_up, asked_at)
            found[letter] = replace(found[letter], ways=(*found[letter].ways, outcome))
    return list(found.values())


def _state(sent: datetime | None, dropped: datetime | None, dead: datetime | None) -> str:
    if dead:
        return "dead"
    if dropped:
        return "dropped"
    return "done" if sent else "waits"


# --- Once more ----------------------------------------------------------------------------------------

NOT_GIVEN_UP: Final = _("这条通知没有停止发送，不需要重新发送。")


def ask_again(*, case_id: UUID, letter: int, way: str, by: User) -> None:
    """Ask that a notice of this case which was given up on one way be sent once more.

    Raises `Refusal` when it is none of this case, was not given up, or was asked for already.
    """
    asked = (
        outcome
        for told in told_of_case(case_id)
        if told.letter == letter
        for outcome in told.outcomes
        if outcome.way == way
    )
    outcome = next(asked, None)
    if outcome is None or not outcome.may_be_asked_for:
        raise Refusal(NOT_GIVEN_UP, "not_given_up")
    _ask([(letter, way)], by)


def ask_for_dead(
    *, by: User, way: str | None = None, kind: str = "", only: tuple[int, str] | None = None
) -> int:
    """Ask for everything given up that is chosen (or `only` for one), some hundreds at once. How many.

    What was asked for already is not asked for twice.
    """
    lines = dead_letters(way=way, kind=kind, most=MOST_AT_ONCE)
    wanted = [(line.letter, line.way) for line in lines if line.asked_at is None]
    if only is not None:
        wanted = [each for each in wanted if each == only]
    _ask(wanted, by)
    return len(wanted)


def _ask(wanted: Sequence[tuple[int, str]], by: User) -> None:
    now = timezone.now()
    # Without asking for the key: whoever may ask reads nothing of it.
    Resend.objects.bulk_create(
        [Resend(outbox_id=letter, channel=way, asked_by=by, asked_at=now) for letter, way in wanted],
        ignore_conflicts=True,
    )


# --- What was given up --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Dead:
    """A letter that was given up on one way. `fault` is the error's name: its words may name people."""

    letter: int
    way: str
    kind: str
    case_id: UUID | None
    reference: str | None
    whom: str
    account: str
    posted_at: datetime
    dead_at: datetime
    attempts: int
    fault: str | None
    asked_at: datetime | None

    @property
    def label(self) -> Text:
        return kind_label(self.kind)

    @property
    def way_label(self) -> Text:
        return WAYS[self.way]

    @property
    def why(self) -> Text:
        name = (self.fault or "").rpartition(".")[2]
        return FAULTS.get(name) or (_("程序错误") if self.way == BOARD else _("没有发送成功"))

    @property
    def place(self) -> str:
        """Where in the list it stands, for the page that follows."""
        return f"{self.dead_at.isoformat()}|{self.letter}|{self.way}"


def dead_letters(
    *, way: str | None = None, kind: str = "", after: str = "", most: int = PER_PAGE
) -> list[Dead]:
    """What was given up, the latest first: all of it, or one way's, or one kind's; at an agency its own.

    `after` is the place of the last line of the page before; one that cannot be read means the beginning.
    """
    name = "our_dead_post" if crossing.here().desk is Desk.AGENCY else "dead_post"
    rows = _rows(
        f"SELECT * FROM public.{name}(%s, %s, %s, %s, %s, %s)",  # noqa: S608 - one of two names
        *(way, kind or None, *_place(after), most),
    )
    return [Dead(*row) for row in rows]


def _place(text: str) -> tuple[datetime | None, int | None, str | None]:
    at, _mark, rest = text.partition("|")
    letter, _mark, way = rest.partition("|")
    try:
        return datetime.fromisoformat(at), int(letter), way if way in WAYS else BOARD
    except ValueError:
        return None, None, None


def dead_counts() -> dict[tuple[str, str], int]:
    """How many were given up, by way and kind: one query."""
    name = "our_dead_post_counts" if crossing.here().desk is Desk.AGENCY else "dead_post_counts"
    return {(way, kind): count for way, kind, count in _rows(f"SELECT * FROM public.{name}()")}  # noqa: S608


# --- How the post stands ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Figures:
    """One way: how much waits and since when, how much was given up, how fast it went in the last hour."""

    way: str
    waiting: int
    oldest: datetime | None
    dead: int
    sent: int
    p50: float | None
    p95: float | None

    @property
    def label(self) -> Text:
        return WAYS[self.way]


@dataclass(frozen=True, slots=True)
class Standing:
    """How the post room stands at a moment, all ways together."""

    at: datetime
    ways: tuple[Figures, ...]
    swept_at: datetime | None

    @property
    def board(self) -> Figures:
        return self.ways[0]

    @property
    def waiting(self) -> int:
        return sum(figures.waiting for figures in self.ways)

    @property
    def dead(self) -> int:
        return sum(figures.dead for figures in self.ways)

    @property
    def oldest_seconds(self) -> float:
        """How long the oldest waits; nothing where nothing does."""
        return max((self.waits_of(figures) for figures in self.ways), default=0.0)

    @property
    def swept_seconds(self) -> float | None:
        """How long ago the sweep last came round, if that is known."""
        return None if self.swept_at is None else max((self.at - self.swept_at).total_seconds(), 0.0)

    def waits_of(self, figures: Figures) -> float:
        if figures.oldest is None:
            return 0.0
        return max((self.at - figures.oldest).total_seconds(), 0.0)

    def as_data(self) -> dict[str, Any]:
        """As plain values, for programs that watch."""
        return {
            "at": self.at.isoformat(),
            "oldest_seconds": round(self.oldest_seconds, 3),
            "waiting": self.waiting,
            "dead": self.dead,
            "swept_seconds": None if self.swept_seconds is None else round(self.swept_seconds, 3),
            "ways": {
                name_of(figures.way): {
                    "waiting": figures.waiting,
                    "oldest_seconds": round(self.waits_of(figures), 3),
                    "dead": figures.dead,
                    "sent_last_hour": figures.sent,
                    "lag_p50_seconds": figures.p50,
                    "lag_p95_seconds": figures.p95,
                }
                for figures in self.ways
            },
        }


def name_of(way: str) -> str:
    """A way's name for programs."""
    return way or "board"


def standing() -> Standing:
    """How the post stands now: one query. The authority's desk and the clerk only."""
    now = timezone.now()
    rows = _rows("SELECT * FROM public.post_figures(%s)", now - timedelta(hours=PACE_HOURS))
    ways = tuple(
        Figures(way, waiting, oldest, dead, sent, _number(p50), _number(p95))
        for way, waiting, oldest, dead, sent, p50, p95 in rows
    )
    return Standing(now, ways, pulse.last())


@dataclass(frozen=True, slots=True)
class Hour:
    """What went on each way within an hour, and how much of what was due in it still waits."""

    at: datetime
    sent: Mapping[str, int]
    waiting: int


def last_day() -> list[Hour]:
    """The last day by the hour, the present hour last: one query. The authority's desk only."""
    last = timezone.now().replace(minute=0, second=0, microsecond=0)
    hours = [last - timedelta(hours=back) for back in reversed(range(HOURS_SHOWN))]
    counts = {
        (hour, way, waits): count
        for hour, way, waits, count in _rows("SELECT * FROM public.post_hours(%s)", hours[0])
    }
    return [
        Hour(
            hour,
            {way: counts.get((hour, way, False), 0) for way in WAYS},
            sum(counts.get((hour, way, True), 0) for way in WAYS),
        )
        for hour in hours
    ]


def _number(value: Any) -> float | None:
    return None if value is None else round(max(float(value), 0.0), 3)


def _rows(sql: str, *params: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return list(cursor.fetchall())
