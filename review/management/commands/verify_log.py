"""Walk the chains of movements of every agency and name the first row of each that does not hold."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from register.models import DocketEntry
from review import log
from review.models import Case
from review.walk import agencies
from tenants import crossing
from tenants.crossing import Desk
from tenants.models import Agency

WHAT = {
    "number": "the numbers of the movements have a gap",
    "previous": "it does not follow from the movement before it",
    "hash": "its content was changed after it was written",
    "case head": "the case remembers another end of the chain",
    "docket head": "the docket remembers another end of the chain, or none",
    "case gone": "the docket has a line for it, but the case is gone",
}


class Command(BaseCommand):
    help = "Verify the hash-chained movements of all cases; exits with 1 when a chain does not hold."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--agency", metavar="CODE", help="only this agency")

    def handle(self, *args: Any, **options: Any) -> None:
        broken = cases = walked = 0
        with crossing.standing(Desk.CLERK):
            for agency in agencies(options["agency"]):
                with crossing.inside(agency):
                    broken += self._verify(agency)
                    cases += Case.objects.count()
                walked += 1
        if broken:
            raise CommandError(
                f"{broken} broken chains among {cases} cases of {walked} agencies.", returncode=1
            )
        self.stdout.write(self.style.SUCCESS(f"All chains of {cases} cases in {walked} agencies hold."))

    def _verify(self, agency: Agency) -> int:
        lines = DocketEntry.objects.filter(agency=agency)
        kept = {
            key: (length, head) for key, length, head in lines.values_list("pk", "chain_length", "chain_head")
        }
        broken = 0
        for fault in log.verify(docket=kept):
            reference = Case.objects.filter(pk=fault.case_id).values_list("reference", flat=True).first()
            name = reference or fault.case_id
            self.stdout.write(
                self.style.ERROR(f"{agency.code} {name}: movement {fault.number}: {WHAT[fault.what]}")
            )
            broken += 1
        return broken
