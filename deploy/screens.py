"""A picture of every page of the demonstration, in both sizes."""

from __future__ import annotations

import sys
from pathlib import Path

from deploy import demo
from deploy.lifelines import Failure
from deploy.processes import Portal

SIZES = {"wide": (1366, 768), "phone": (390, 844)}


def take(portal: Portal, folder: Path) -> int:
    """Write the pictures; returns how many."""
    return 0


def main(folder: Path) -> int:
    """The command line."""
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with demo.standing() as (portal, _env):
            print(f"{take(portal, folder)} pictures in {folder}")
    except Failure as failure:
        print(failure, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
