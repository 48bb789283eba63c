"""Django's commands, each with the login it needs."""

import os
import sys

# These create tables, schemas and roles; all others log in as weak as the portal itself.
OWNER_COMMANDS = frozenset(
    {
        "apply_walls",
        "check",
        "check_walls",
        "createcachetable",
        "flush",
        "makemigrations",
        "migrate",
        "migrate_schemas",
        "open_agency",
        "showmigrations",
        "sqlmigrate",
    }
)


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    if OWNER_COMMANDS.intersection(sys.argv[1:2]):
        os.environ.setdefault("PORTAL_AS_OWNER", "1")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
