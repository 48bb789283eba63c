"""Opening and mending agencies, as a job: the page writes the row, the owner's worker does the work.

The row says what comes next. Opening itself is one transaction with the note of it, every later step may be
repeated, and a lock of the database lets one worker only be at a job: whoever is killed loses it at once.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from django.db import connection, transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Coalesce
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from register import clock
from register.models import DocketEntry
from review import staffing
from tenants import agencies, bells, crossing, health, provisioning, staff
from tenants.crossing import Desk
from tenants.errors import Refusal
from tenants.models import (
    AUTHORITY_CODE,
    Agency,
    AgencyJob,
    AgencyUserObjectPermission,
    SettingChange,
    User,
)
from tenants.provisioning import AgencyRow
from tenants.rolebook import MANAGER

logger = logging.getLogger(__name__)

TASK: Final = "review.tasks.agency_job"
CHECK: Final = "review.tasks.check_schemas"
# What the page shows of an opening, in this order; the first three stand or fall together.
STEPS: Final[dict[str, Promise]] = {
    "schema": gettext_lazy("建立数据架构"),
    "tables": gettext_lazy("建立数据表"),
    "walls": gettext_lazy("设置访问权限"),
    "self_test": gettext_lazy("自检"),
    "manager": gettext_lazy("邀请首位管理员"),
}
MENDING: Final = ("schema", "tables", "walls", "self_test")
TOGETHER: Final = 3
# A job of which nobody has given a sign of life for so long is rung for again.
UNHEARD: Final = timedelta(seconds=15)
WAITING: Final = timedelta(seconds=50)
# A job in which so many workers were killed would kill the next one as well.
MOST_STARTS: Final = 5
# Where the manager's account stands in the wish once it is there.
MANAGER_KEY: Final = "manager_id"
SHOWN: Final = "link_shown"


# --- Ordering: the administrator's desk ------------------------------------------------------------------


def ask_opening(*, key: UUID, wish: dict[str, Any], by: User) -> AgencyJob:
    """Order an agency: code, kind, names, contact data, manner of work, and its first `manager`.

    `key` is the order's own: asked twice, it is one job. Raises `Refusal` or ValidationError where code,
    name or login are taken or unfit.
    """
    with transaction.atomic():
        agencies.require_administrator(by)
        _one_at_a_time()
        known = AgencyJob.objects.filter(pk=key, asked_by=by).first()
        if known is not None:
            return known
        check(wish)
        return _new(key, AgencyJob.Kind.OPENING, wish, by, total=len(STEPS))


def check(wish: dict[str, Any]) -> None:
    """Whether this can be opened now. Raises `Refusal` or ValidationError."""
    agencies.check_new_code(wish["code"])
    agencies.check_new_name(wish["name_zh"])
    login = wish["manager"]["username"]
    if User.objects.filter(username=login).exists():
        raise Refusal(_("登录名“{name}”已被使用，请换一个。").format(name=login), "username")


def ask_mending(*, agency: Agency, by: User) -> AgencyJob:
    """Order that an agency's schema gets whatever it lacks.

    Raises `Refusal` while a job is under way, and for an agency that was merged and is closed.
    """
    with transaction.atomic():
        agencies.require_administrator(by)
        _one_at_a_time()
        agencies.require_not_closed(agency)
        busy = AgencyJob.objects.filter(agency=agency, kind=AgencyJob.Kind.OPENING, finished_at__isnull=True)
        if busy.exists():
            raise Refusal(_("该机构已有任务正在进行。"), code="under_way")
        wish = {"code": agency.code, "name_zh": agency.name_zh, "mend": True}
        return _new(None, AgencyJob.Kind.OPENING, wish, by, total=len(MENDING), agency=agency)


def ask_again(*, job: AgencyJob, by: User) -> None:
    """Let a job that failed go on where it stopped. Raises `Refusal` where none has failed."""
    with transaction.atomic():
        agencies.require_administrator(by)
        failed = AgencyJob.objects.filter(pk=job.pk, finished_at__isnull=False).exclude(fault="")
        if not failed.update(fault="", finished_at=None, seen_at=None, starts=0, asked_at=clock.now()):
            raise Refusal(_("该任务正在进行或者已经完成。"), code="not_failed")
        _ring_after(job.pk)


def _one_at_a_time() -> None:
    """Two administrators who ask for the same code at once stand in a line."""
    Agency.objects.select_for_update(of=("self",)).get(code=AUTHORITY_CODE)


def _new(
    key: UUID | None, kind: str, wish: dict[str, Any], by: User, *, total: int, agency: Agency | None = None
) -> AgencyJob:
    named = {} if key is None else {"pk": key}
    job = AgencyJob.objects.create(
        kind=kind,
        wish=wish,
        asked_by=by,
        asked_at=clock.now(),
        total=total,
        agency=agency,
        step=next(iter(STEPS)),
        **named,
    )
    _ring_after(job.pk)
    return job


def _ring_after(key: UUID) -> None:
    transaction.on_commit(lambda: ring(key), robust=True)


def ring(key: UUID) -> None:
    """Tell the owner's worker that there is a job. With the broker down the sweep does it later."""
    bells.ring(TASK, str(key))


def ring_for_a_check() -> None:
    """Have all schemas looked at now; with the broker down the hourly look does it later."""
    bells.ring(CHECK)


# --- The invitation of the first manager ---------------------------------------------------------------


def first_manager(job: AgencyJob) -> User | None:
    """The manager whom the job has invited, once it has."""
    key = job.wish.get(MANAGER_KEY)
    return User.objects.filter(pk=key).first() if key else None


def may_show_link(job: AgencyJob) -> bool:
    """Whether the link to be handed over was not shown yet; whoever has an address gets it there alone."""
    manager = first_manager(job)
    if manager is None or manager.email or job.wish.get(SHOWN):
        return False
    return not staff.has_accepted(manager)


def take_link(*, job: AgencyJob, by: User) -> User:
    """The manager whose link is shown now, and never again. Raises `Refusal`."""
    with transaction.atomic():
        agencies.require_administrator(by)
        row = AgencyJob.objects.select_for_update(of=("self",)).get(pk=job.pk)
        manager = first_manager(row)
        if manager is None or not may_show_link(row):
            raise Refusal(_("邀请链接已经显示过，需要时请重新邀请。"), code="shown")
        row.wish[SHOWN] = clock.now().isoformat()
        row.save(update_fields=["wish"])
        return manager


# --- Doing it: the owner's worker ----------------------------------------------------------------------


@contextmanager
def alone(job_id: UUID | str) -> Iterator[bool]:
    """Hold the job's lock; yields whether it was free. It ends with the connection, also by a kill."""
    key = UUID(str(job_id)).int & 0x7FFF_FFFF_FFFF_FFFF
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [key])
        free = bool(cursor.fetchone()[0])
    try:
        yield free
    finally:
        if free and connection.is_usable():
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [key])


def carry_out(job_id: UUID | str) -> bool:
    """Go on with an opening where its row says; whether it was finished well here. The owner's login only.

    What the rules refuse and what goes wrong is told on the job's page; the administrator may ask again.
    """
    with crossing.standing(Desk.OWNER), alone(job_id) as free:
        if not free:
            return False
        job = begin(AgencyJob.objects.filter(pk=job_id, finished_at__isnull=True))
        if job is None:
            return False
        try:
            while job.finished_at is None:
                DO[job.step](job)
        except Refusal as no:
            return _stop(job, str(no.message))
        except Exception:
            logger.exception("The job of agency %s failed at %s.", job.wish.get("code"), job.step)
            return _stop(job, _("这一步没有完成。请再试一次，仍不成功的，请联系运维人员。"))
        return True


def begin(jobs: QuerySet[AgencyJob]) -> AgencyJob | None:
    """The one job of these, begun once more; None where there is none, or too many workers were killed."""
    now = clock.now()
    if not jobs.update(started_at=Coalesce("started_at", now), seen_at=now, starts=F("starts") + 1):
        return None
    job = jobs.select_related("agency__merged_into", "asked_by").get()
    if job.starts > MOST_STARTS:
        _stop(job, _("任务多次中断，已经停止。请联系运维人员查看原因后再试。"))
        return None
    return job


def _stop(job: AgencyJob, fault: str) -> bool:
    now = clock.now()
    AgencyJob.objects.filter(pk=job.pk).update(fault=fault[:300], finished_at=now, seen_at=now)
    return False


def steps_of(job: AgencyJob) -> tuple[str, ...]:
    """The steps of this very job."""
    return MENDING if job.wish.get("mend") else tuple(STEPS)


def _note(job: AgencyJob, done: int) -> None:
    """Say how far the job is: so many of its steps are done."""
    steps = steps_of(job)
    now = clock.now()
    job.done, job.seen_at = done, now
    job.step = steps[done] if done < len(steps) else ""
    job.finished_at = None if job.step else now
    job.save(update_fields=["done", "seen_at", "step", "finished_at", "agency", "wish"])


def _furnish(job: AgencyJob) -> None:
    """Schema, tables, walls, host and row in one transaction, with the note that it is done."""
    if job.wish.get("mend") and job.agency is not None:
        provisioning.complete(job.agency)
        _note(job, TOGETHER)
        return
    wish = job.wish
    if Agency.objects.filter(code=wish["code"]).exists():
        raise Refusal(_("机构代码“{code}”已经被使用。").format(code=wish["code"]), code="taken")
    if agencies.schema_exists(wish["code"]):
        raise Refusal(
            _("数据库中已有名为“{code}”的数据架构，不能再用这个代码，请联系运维人员。").format(
                code=wish["code"]
            ),
            code="schema",
        )

    def noted(agency: Agency) -> None:
        job.agency = agency
        _note(job, TOGETHER)

    names = (*agencies.CONTACT, *agencies.PRACTICE)
    fields = {name: wish[name] for name in names if name in wish}
    row = AgencyRow(
        code=wish["code"],
        kind=wish["kind"],
        name_zh=wish["name_zh"],
        name_en=wish["name_en"],
        fields={**fields, "intake_open": False, "intake_note": agencies.OPENING_NOTE},
    )
    provisioning.establish(row, along=noted)


def _test(job: AgencyJob) -> None:
    agency = _agency(job)
    faults = provisioning.self_test(agency)
    health.check(at=clock.now(), only=[agency.schema_name])
    if faults:
        logger.error("Agency %s failed its self-test: %s", agency.code, "; ".join(faults))
        raise Refusal(_("自检发现 {n} 处问题：{first}").format(n=len(faults), first=faults[0]), "self_test")
    if job.wish.get("mend"):
        change = SettingChange(
            agency=agency, user=job.asked_by, field="schema", after="mended", at=clock.now()
        )
        change.save(force_insert=True)
    _note(job, TOGETHER + 1)


def _invite(job: AgencyJob) -> None:
    """An account with the role of a manager, and a letter where there is an address: in one transaction.

    An agency that has got a manager from its page meanwhile needs no other one. The order forgets whom it
    named: the account says it from now on.
    """
    agency = _agency(job)
    with crossing.standing(Desk.AUTHORITY), crossing.atomic():
        wanted = job.wish.pop("manager")
        if not _has_manager(agency):
            manager = staffing.invite(
                agency=agency,
                name=wanted["name"],
                username=wanted["username"],
                email=wanted["email"],
                roles=[MANAGER.code],
                by=job.asked_by,
            )
            job.wish[MANAGER_KEY] = manager.pk
        _note(job, len(STEPS))


def _has_manager(agency: Agency) -> bool:
    held = AgencyUserObjectPermission.objects.filter(
        content_object=agency, permission__codename=MANAGER.code, user__is_active=True
    )
    return held.exists()


def _agency(job: AgencyJob) -> Agency:
    if job.agency is None:
        raise RuntimeError(f"the job {job.pk} has no agency yet")
    return job.agency


DO: Final[dict[str, Callable[[AgencyJob], None]]] = {
    **dict.fromkeys(("schema", "tables", "walls"), _furnish),
    "self_test": _test,
    "manager": _invite,
}


# --- Upkeep: the clerk ---------------------------------------------------------------------------------


def sweep() -> int:
    """Ring again for jobs that nobody is at, and for mergers with a case left; how many bells were rung."""
    now = clock.now()
    quiet = Q(seen_at__isnull=True, asked_at__lt=now - UNHEARD)
    openings = Q(kind=AgencyJob.Kind.OPENING) & (quiet | Q(seen_at__lt=now - UNHEARD))
    mergers = Q(kind=AgencyJob.Kind.MERGER) & (quiet | Q(seen_at__lt=now - WAITING))
    waiting = set(
        AgencyJob.objects.filter(openings | mergers, finished_at__isnull=True).values_list("pk", flat=True)
    )
    # A case that was taken up again at an agency which is merged already: after a judgment, for example.
    left = DocketEntry.objects.filter(open=True, agency__merged_at__isnull=False).values("agency")
    over = AgencyJob.objects.filter(kind=AgencyJob.Kind.MERGER, agency__in=left, finished_at__isnull=False)
    waiting |= set(over.filter(fault="").values_list("pk", flat=True))
    for key in waiting:
        ring(key)
    return len(waiting)


def is_waiting_for_a_worker(job: AgencyJob) -> bool:
    """Nobody has begun although it was asked some time ago: the opener does not run."""
    return job.finished_at is None and job.started_at is None and job.asked_at < clock.now() - 2 * UNHEARD
