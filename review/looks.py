"""Who may see the full document number of a case's applicant; each look is recorded with its reason."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from register import people
from review import workflow
from review.models import Case
from review.states import State
from review.workflow import Actor
from tenants import access
from tenants.models import AccessRecord, Agency, PreparedFile, User
from tenants.roles import REGISTRAR

# What the order of a book of the register says of itself.
ROSTER: Final = "roster"


def may_see_number(case: Case, by: Actor) -> bool:
    """The full number is for the officer who has the case in hand, or for who reviews that officer.

    A case handed over is another agency's: here nobody sees it any more.
    """
    superior = {workflow.SUPERVISOR, workflow.SIGNING_OFFICER} & by.roles
    if case.state == State.HANDED_OVER:
        return False
    return not workflow.is_own(case, by) and (bool(superior) or by.handles(workflow.holder_of(case)))


def see_number(case: Case, *, by: User, reason: str) -> str:
    """The full document number; who looked, and why, is recorded first."""
    return people.full_number(case.person, by=by, reason=reason, case_id=case.pk)


def on_record(cases: Iterable[Case], *, by: User, agency: Agency, reason: str) -> list[AccessRecord]:
    """The looks at the numbers of these cases, to be stored together with the file that shows them."""
    return [
        look
        for case in cases
        for look in access.looks_at({case.person_id: case.pk}, by=by, agency=agency, reason=reason)
    ]


def may_fetch(file: PreparedFile, by: Actor) -> bool:
    """Whether its orderer may still open a written file, for the full numbers that stand in it.

    A list of thousands goes by the role alone, the supervisor's or the signing officer's; prints and archives
    by every case of which they show the number, in one query.
    """
    if not file.full:
        return True
    if file.wish.get("what") == ROSTER:
        return REGISTRAR.code in by.roles
    if file.kind == PreparedFile.Kind.EXPORT:
        return bool({workflow.SUPERVISOR, workflow.SIGNING_OFFICER} & by.roles)
    shown = [file.wish["case"]] if file.kind == PreparedFile.Kind.ARCHIVE else file.wish["full_of"]
    cases = Case.objects.only("state", "document_digest", "person", "assignee", "officer").in_bulk(shown)
    return len(cases) == len(shown) and all(may_see_number(case, by) for case in cases.values())
