"""Ordering letters: the act that brings a letter leaves its order behind, in one statement.

The order holds what the letter says beside the movements, as it stands at that moment: whoever is renamed
afterwards, or corrects a name, changes no letter. `review.letter_files` draws what was ordered and keeps it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from review import announcements
from review.documents import letters
from review.documents.letters import Signer
from review.models import Case, Letter, Movement
from tenants import crossing
from tenants.models import PUBLIC_SCHEMA, Agency


def order(movement: Movement, case: Case) -> None:
    """Order the letter that a movement brings, in its transaction; nothing for a movement that brings none.

    Stand inside the agency of the case as it was at the act.
    """
    name = letters.name_of(movement)
    if not name:
        return
    agency, authority = _here_and_authority()
    row = letter_row(
        movement,
        name,
        values_of(case, agency=Signer.of(agency), authority=authority, on_paper=takes_paper(agency)),
    )
    row.save(force_insert=True)


def letter_row(movement: Movement, name: str, values: Mapping[str, Any]) -> Letter:
    """The order of one letter, not stored yet; it is due at once."""
    return Letter(
        case_id=movement.case_id,
        movement=movement,
        name=name,
        values=dict(values),
        ordered_at=movement.at,
        due_at=movement.at,
    )


def values_of(case: Case, *, agency: Signer, authority: Agency, on_paper: bool) -> dict[str, Any]:
    """What a letter says beside the movements: whom it addresses, who signs, whether papers are handed in."""
    return {
        "applicant": case.applicant_name,
        "mask": case.document_mask,
        "employer": case.employer_name,
        "receipt": case.acceptance_number,
        "agency": asdict(agency),
        "authority": asdict(Signer.of(authority)),
        "on_paper": on_paper,
    }


def takes_paper(agency: Agency) -> bool:
    """Whether the agency wants papers handed in beside those uploaded."""
    return agency.materials_mode != Agency.Materials.UPLOAD


def _here_and_authority() -> tuple[Agency, Agency]:
    """The agency one stands in, and the authority, by what is at hand; read anew where one is not."""
    schema = crossing.here().schema
    known = announcements.agencies()
    if not {schema, PUBLIC_SCHEMA} <= known.keys():
        announcements.agencies.forget()
        known = announcements.agencies()
    return known[schema], known[PUBLIC_SCHEMA]
