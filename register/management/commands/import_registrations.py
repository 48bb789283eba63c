"""Import registrations granted before this portal: python manage.py import_registrations FILE"""

from __future__ import annotations

from register.management.commands._roster import RosterCommand
from register.rosters import What


class Command(RosterCommand):
    help = "Import registrations granted before this portal from CSV or XLSX."
    what = What.REGISTRATIONS
