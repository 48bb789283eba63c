"""Who may see the full document number of a case's applicant; each look is recorded with its reason."""

from __future__ import annotations

from register import people
from review import workflow
from review.models import Case
from review.states import State
from review.workflow import Actor
from tenants.models import User


def may_see_number(case: Case, by: Actor) -> bool:
    """The full number is for the officer who has the case in hand, or for who reviews that officer.

    A case handed over is another agency's: here nobody sees it any more.
    """
    superior = {workflow.SUPERVISOR, workflow.SIGNING_OFFICER} & by.roles
    own = bool(by.document_digest) and by.document_digest == case.document_digest
    if case.state == State.HANDED_OVER:
        return False
    return not own and (bool(superior) or by.handles(workflow.holder_of(case)))


def see_number(case: Case, *, by: User, reason: str) -> str:
    """The full document number; who looked, and why, is recorded first."""
    return people.full_number(case.person, by=by, reason=reason, case_id=case.pk)
