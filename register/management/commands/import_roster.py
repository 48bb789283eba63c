"""Import an exam roster: python manage.py import_roster FILE [--dry-run] [--skip-bad-rows]"""

from __future__ import annotations

from register.management.commands._roster import RosterCommand
from register.rosters import What


class Command(RosterCommand):
    help = "Import an exam roster (qualifications) from CSV or XLSX."
    what = What.QUALIFICATIONS
