"""Continuing education (继续教育): which class hours count for an application, and how many are missing.

What an agency has entered counts together with what the applicant fills in; a certificate counts once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from intake.circumstances import Circumstances
from register.models import Kind, TrainingHours
from register.training import same_certificate

Row = dict[str, Any]
Text = str | Promise

# 专业课程 of the code list `education_class`.
PROFESSIONAL: Final = "2"
# Marks a row that an agency entered, in the dossier.
IMPORTED: Final = "1"

BEFORE_THE_PERIOD: Final = _("在本注册周期以前，不计入")
NOT_OVER: Final = _("培训尚未结束，不计入")
COUNTED_ALREADY: Final = _("与注册机构登记的证书编号相同，不重复计算")


@dataclass(frozen=True, slots=True)
class Course:
    """One line of the list; `left_out` says why it does not count."""

    row: Row
    left_out: Text = ""

    @property
    def imported(self) -> bool:
        return bool(self.row.get("imported"))

    @property
    def hours(self) -> Decimal:
        return Decimal(self.row["hours"]) if self.row.get("hours") else Decimal(0)


@dataclass(frozen=True, slots=True)
class Tally:
    """All courses of an application, and what they come to against the requirement."""

    courses: tuple[Course, ...]
    required: Decimal
    required_professional: Decimal

    @property
    def counted(self) -> list[Course]:
        return [course for course in self.courses if not course.left_out]

    @property
    def total(self) -> Decimal:
        return tidy(sum((course.hours for course in self.counted), Decimal(0)))

    @property
    def imported(self) -> Decimal:
        """Of these, the hours that agencies entered."""
        return tidy(sum((course.hours for course in self.counted if course.imported), Decimal(0)))

    @property
    def professional(self) -> Decimal:
        """Of these, the hours of professional courses."""
        of_profession = [c.hours for c in self.counted if c.row.get("course_class") == PROFESSIONAL]
        return tidy(sum(of_profession, Decimal(0)))

    @property
    def missing(self) -> Decimal:
        return tidy(max(self.required - self.total, Decimal(0)))

    @property
    def missing_professional(self) -> Decimal:
        return tidy(max(self.required_professional - self.professional, Decimal(0)))


def tally_of(rows: Sequence[Row], about: Circumstances) -> Tally:
    """The courses that were filled in and those that agencies entered, in the order of time."""
    courses = sorted(_courses(rows, about), key=lambda course: (course.row["from"], course.row["to"]))
    required = Decimal(about.policy.ce_hours_required)
    share = Decimal(str(about.policy.ce_professional_share))
    return Tally(tuple(courses), tidy(required), tidy(required * share))


def _courses(rows: Sequence[Row], about: Circumstances) -> Iterator[Course]:
    known: set[str] = set()
    for entered in about.training:
        left_out = _left_out(entered, about)
        if not left_out:
            known.add(same_certificate(entered.certificate_number))
        yield Course(_as_row(entered), left_out)
    for row in rows:
        certificate = same_certificate(row.get("certificate", ""))
        yield Course(row, COUNTED_ALREADY if certificate in known else "")


def _left_out(entered: TrainingHours, about: Circumstances) -> Text:
    """Why what an agency entered does not count here (Order 11 art. 23: hours of the running period)."""
    if about.kind == Kind.RENEWAL and about.period_began and entered.begun_on < about.period_began:
        return BEFORE_THE_PERIOD
    return NOT_OVER if entered.ended_on > about.today else ""


def _as_row(entered: TrainingHours) -> Row:
    return {
        "from": entered.begun_on.isoformat(),
        "to": entered.ended_on.isoformat(),
        "provider": entered.institution,
        "course": entered.course,
        "course_class": entered.course_class,
        "hours": f"{tidy(entered.hours):f}",
        "certificate": entered.certificate_number,
        "imported": IMPORTED,
    }


def tidy(number: Decimal) -> Decimal:
    """Without trailing zeros, and never in powers of ten."""
    return number.quantize(Decimal(1)) if number == number.to_integral() else number.normalize()
