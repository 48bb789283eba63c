"""What the workers and the beat do for the register."""

from __future__ import annotations

from uuid import UUID

from celery import shared_task

from register import reminders, roster_jobs
from tenants import crossing
from tenants.crossing import Desk


@shared_task(name=roster_jobs.TASK, ignore_result=True)
def work_on_roster(job_id: str) -> bool:
    """Carry out the officer's roster at the authority's desk, then call whoever waited for it."""
    with crossing.standing(Desk.AUTHORITY):
        done = roster_jobs.work(UUID(job_id))
        if done:
            roster_jobs.ring_waiting()
    return done


@shared_task(name="register.tasks.sweep_rosters", ignore_result=True)
def sweep_rosters() -> int:
    """Clear away old rosters, and ring again for those that a killed worker left; answers how many."""
    return roster_jobs.sweep()


@shared_task(name="register.tasks.remind", ignore_result=True)
def remind() -> int:
    """The day's reminders about registrations and qualifications, if they are not all posted yet."""
    return reminders.run()
