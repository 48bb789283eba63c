"""Fill a demonstration: synthetic people through the import itself, contacts of agencies, demo staff."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from register import clock, demo, people, rosters
from register.models import Qualification
from tenants import crossing, roles, second_factor
from tenants.models import Agency, User

# Two agencies that take no applications at present, as an example.
SUSPENDED: Final = ("ccic", "chinarailway")
# One agency of each way to take papers; all others take them on paper.
MATERIALS: Final = {"mohurd": Agency.Materials.UPLOAD, "sinopec": Agency.Materials.BOTH}


class Command(BaseCommand):
    help = "Fill a demonstration with synthetic people, contacts and staff. What is there already stays."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--people", type=int, default=demo.PEOPLE)
        parser.add_argument("--registrations", type=int, default=demo.REGISTRATIONS)

    def handle(self, *args: Any, people: int, registrations: int, **options: Any) -> None:
        if not (settings.DEMO or settings.TESTING):
            raise CommandError("This is no demonstration: PORTAL_DEMO is not set.")
        with crossing.standing(crossing.Desk.AUTHORITY):
            agencies = list(Agency.objects.exclude(kind=Agency.Kind.AUTHORITY).order_by("number"))
            if not agencies:
                raise CommandError("Open the agencies first: open_agency --all.")
            self._bring_people(agencies, people, registrations)
            demo.announce(clock.today())
            _tell_contacts(agencies)
            _appoint()
        _equip()
        with crossing.standing(crossing.Desk.AUTHORITY):
            if settings.DEMO:
                self._tell_accounts()

    def _tell_accounts(self) -> None:
        """Who can be tried out; everybody here is made up."""
        self.stdout.write(f"staff, all with the password {demo.PASSWORD}:")
        for officer in demo.OFFICERS:
            self.stdout.write(f"  {officer.username:<16} {officer.name} {officer.role}")
        self.stdout.write(
            "applicants, who set their password first (name, type, number, certificate, exam year):"
        )
        years = dict(
            Qualification.objects.filter(
                certificate_number__in=[each.certificate_number for each in demo.DEMO_APPLICANTS]
            ).values_list("certificate_number", "exam_year")
        )
        for each in demo.DEMO_APPLICANTS:
            self.stdout.write(
                f"  {each.name} {each.document_type} {each.number} {each.certificate_number} "
                f"{years.get(each.certificate_number, '')} {each.standing or 'not registered yet'}"
            )

    def _bring_people(self, agencies: list[Agency], count: int, registrations: int) -> None:
        """Write both files and import them as an officer would; done once per database."""
        first = demo.DEMO_APPLICANTS[0]
        if people.key_of(first.document_type, first.number):
            return
        made = demo.rosters(
            clock.today(),
            [(agency.code, agency.number) for agency in agencies],
            people=count,
            registrations=registrations,
        )
        folder = Path(settings.VAR_DIR) / "demo"
        roster, old = folder / "roster.csv", folder / "registrations.xlsx"
        demo.write_csv(roster, demo.ROSTER_COLUMNS, made.qualifications)
        demo.write_xlsx(old, demo.REGISTRATION_COLUMNS, made.registrations)
        self._import(roster, rosters.What.QUALIFICATIONS)
        self._import(old, rosters.What.REGISTRATIONS)

    def _import(self, file: Path, what: rosters.What) -> None:
        result = rosters.commit(file.read_bytes(), file.name, what)
        if not result.written:
            raise CommandError(f"{file}: {result.errors[0]}")
        self.stdout.write(
            f"{file.name}: {result.new} rows, {result.new_people} people, {result.seconds:.1f} s"
        )


def _tell_contacts(agencies: list[Agency]) -> None:
    """Contacts nobody can mistake for real ones, and two agencies that pause their intake."""
    for agency in agencies:
        agency.phone = f"010-0000-{agency.number:04d}"
        agency.address = f"示例市示例区示例路{agency.number}号"
        agency.hours = "工作日 9:00–11:30，13:30–17:00"
        agency.email = f"{agency.code}@example.invalid"
        agency.intake_open = agency.code not in SUSPENDED
        agency.materials_mode = MATERIALS.get(agency.code, Agency.Materials.PAPER)
    Agency.objects.bulk_update(
        agencies, ["phone", "address", "hours", "email", "intake_open", "materials_mode"]
    )


def _appoint() -> None:
    """Accounts and roles of the demonstration's staff, where their agency is open."""
    agencies = {agency.code: agency for agency in Agency.objects.all()}
    known = set(User.objects.filter(kind=User.Kind.STAFF).values_list("username", flat=True))
    missing = [each for each in demo.OFFICERS if each.username not in known and each.agency in agencies]
    secret = make_password(demo.PASSWORD) if missing else ""
    for officer in missing:
        user = User.objects.create(
            username=officer.username,
            name=officer.name,
            kind=User.Kind.STAFF,
            password=secret,
            password_set_at=timezone.now(),
            home=agencies[officer.agency],
        )
        roles.grant(user=user, agency=agencies[officer.agency], role=officer.role, by=None)


def _equip() -> None:
    """A second factor for who has none yet, each at the own desk; printed passwords do not grow old."""
    with crossing.standing(crossing.Desk.AUTHORITY):
        everybody = User.objects.filter(username__in=[officer.username for officer in demo.OFFICERS])
        everybody.exclude(password_set_at=None).update(password_set_at=timezone.now())
        bare = list(everybody.filter(second_factor_mark="").select_related("home"))
    for user in bare:
        at_agency = user.home is not None and not user.home.is_authority
        with crossing.standing(
            crossing.Desk.AGENCY if at_agency else crossing.Desk.AUTHORITY, user.home if at_agency else None
        ):
            second_factor.install(user, key=demo.app_key(user.username))
