"""Format, style, types, templates, layers, migrations, manual: every step runs, even when one fails."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from deploy.lifelines import ROOT

_PYTHON = sys.executable
STEPS: dict[str, list[str]] = {
    "format": [_PYTHON, "-m", "ruff", "format", "--check", "."],
    "style": [_PYTHON, "-m", "ruff", "check", "."],
    "types": [_PYTHON, "-m", "mypy"],
    "template-format": [_PYTHON, "-m", "djlint", "--check", "templates"],
    "template-style": [_PYTHON, "-m", "djlint", "--lint", "--quiet", "templates"],
    "layers": [_PYTHON, "-c", "from importlinter.cli import lint_imports_command as run; run()", "--no-logo"],
    "django": [_PYTHON, "manage.py", "check", "--fail-level=WARNING"],
    "migrations": [_PYTHON, "manage.py", "makemigrations", "--check", "--dry-run"],
    "translations": [_PYTHON, "-m", "deploy.translations", "--check"],
    "manual": [_PYTHON, "-m", "deploy.manual"],
    "linear": [_PYTHON, "-m", "deploy.check", "--branches"],
}


def run(names: list[str]) -> int:
    """Run the named steps, or all. Returns the number of those that failed."""
    env = {**os.environ, "DJANGO_SETTINGS_MODULE": "portal.settings"}
    failed = []
    for name in names or STEPS:
        start = time.monotonic()
        print(f"-- {name}", flush=True)
        done = subprocess.run(STEPS[name], cwd=ROOT, env=env, check=False)
        word = "ok" if done.returncode == 0 else "FAILED"
        print(f"-- {name}: {word} after {time.monotonic() - start:.1f} s", flush=True)
        if done.returncode != 0:
            failed.append(name)
    print(f"Failed: {', '.join(failed)}" if failed else "All clean.", flush=True)
    return len(failed)


def branches() -> list[str]:
    """Apps of ours whose migrations are not one line: several ends, or a merge."""
    import django
    from django.apps import apps
    from django.db.migrations.loader import MigrationLoader

    django.setup()
    graph = MigrationLoader(None).graph
    ours = {config.label for config in apps.get_app_configs() if Path(config.path).parent == ROOT}
    ends = Counter(app for app, _name in graph.leaf_nodes() if app in ours)
    found = [f"{app} has {count} last migrations" for app, count in ends.items() if count != 1]
    for (app, name), migration in graph.nodes.items():
        before = [parent for parent, _ in migration.dependencies if parent == app] if app in ours else []
        if len(before) > 1:
            found.append(f"{app}.{name} merges {len(before)} migrations")
    return found


def main(words: list[str]) -> int:
    """The command line."""
    if words == ["--branches"]:
        found = branches()
        print("\n".join(found) or "Each app's migrations are one line.")
        return len(found)
    if unknown := set(words) - set(STEPS):
        print(f"There is no step {', '.join(sorted(unknown))}. Steps: {', '.join(STEPS)}", file=sys.stderr)
        return 2
    return min(run(words), 1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
