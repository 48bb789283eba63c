"""Under which user the servers run, and where that user finds binaries and data.

PostgreSQL refuses to run as root. A normal user runs it directly. Root runs it in a user namespace where
the kernel allows one, otherwise under an unprivileged number of its own. The permissions of the folders
above ours are never touched: where that identity cannot reach the checkout (a checkout under /root, for
example), binaries are copied and data put into a state folder which it can.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TypedDict

from deploy.lifelines import Failure

# Outside the ranges of distributions (up to 65519), of people and of nobody (65534), and inside the 65536
# numbers that a container usually has.
DEDICATED = 65530
STATE_FOLDER = Path(os.environ.get("PORTAL_STATE") or "/var/lib/registration-portal")


class _Switch(TypedDict, total=False):
    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True)
class Identity:
    """A way to run a server: a command prefix, or another user number."""

    word: str
    prefix: tuple[str, ...] = ()
    uid: int | None = None
    # initdb asks the system for its user's name, so it needs a number that has one.
    named_uid: int | None = None

    def command(self, *words: str | Path) -> list[str]:
        return [*self.prefix, *map(str, words)]

    def switch(self, *, named: bool = False) -> _Switch:
        """Arguments for `subprocess` that change the user."""
        uid = self.named_uid if named else self.uid
        return {} if uid is None else {"user": uid, "group": uid, "extra_groups": []}

    def can(self, *words: str | Path) -> bool:
        """Whether this command succeeds as this identity."""
        try:
            done = subprocess.run(
                self.command(*words), capture_output=True, check=False, cwd="/", **self.switch()
            )
        except (OSError, subprocess.SubprocessError):
            return False
        return done.returncode == 0

    def own(self, folder: Path, *, named: bool = False, thoroughly: bool = False) -> None:
        """Give a folder of ours, with all it holds, to this identity."""
        uid = (self.named_uid if named else self.uid) or 0
        if os.geteuid() != 0 or (folder.stat().st_uid == uid and not thoroughly):
            return
        for path in [*folder.rglob("*"), folder]:  # the folder last: an interrupted pass is repeated
            os.chown(path, uid, uid, follow_symlinks=False)


def _named_account() -> int | None:
    """An unprivileged user number that has a name on this system."""
    known = {entry.pw_name: entry.pw_uid for entry in pwd.getpwall() if entry.pw_uid != 0}
    return known.get("nobody") or next(iter(known.values()), None)


def _has_name(uid: int) -> bool:
    try:
        pwd.getpwuid(uid)
    except KeyError:
        return False
    return True


def _namespace() -> Identity | None:
    account = _named_account()
    if os.environ.get("PORTAL_NO_USERNS") or account is None or not shutil.which("unshare"):
        return None
    prefix = ("unshare", "--user", f"--map-user={account}", f"--map-group={account}", "--")
    identity = Identity("user namespace", prefix)
    return identity if identity.can("true") else None


def choose() -> Identity:
    """The identity for this machine and user.

    Raises Failure where there is none: a user without a name and no user namespaces.
    """
    uid = os.geteuid()
    if uid != 0 and _has_name(uid):
        return Identity("this user")
    if namespace := _namespace():
        return namespace
    if uid != 0:
        raise Failure(f"User number {uid} has no entry in /etc/passwd; PostgreSQL's initdb needs one.")
    return unprivileged()


def unprivileged() -> Identity:
    """For root without user namespaces: a number of our own, else a known unprivileged account."""
    account = _named_account()
    if account is None:
        raise Failure("There is no unprivileged user on this system; PostgreSQL does not run as root.")
    for uid in (DEDICATED, account):
        identity = Identity(f"user number {uid}", uid=uid, named_uid=account)
        if (uid == account or not _has_name(uid)) and identity.can("true"):
            return identity
    raise Failure("Root may not change to another user here; PostgreSQL does not run as root.")


@dataclass(frozen=True)
class Place:
    """Where an identity finds the server's programs and keeps its data."""

    programs: Path
    data: Path


def settle(
    identity: Identity, *, name: str, home: Path, source: Path, parts: list[str], program: Path, version: str
) -> Place:
    """Find programs and data a place this identity can reach, bringing earlier data along.

    `program` is a path below `source`; `parts` are the folders of `source` that make it up. They are copied
    where the identity cannot run it in place; the system's own programs name no parts and stay.
    """
    near, far = home / name, STATE_FOLDER / _key(home) / name
    near.mkdir(parents=True, exist_ok=True)
    identity.own(near)
    near.chmod(0o700)
    programs = source
    if parts and os.geteuid() == 0 and not identity.can(source / program, "--version"):
        programs = _copies(source, parts, STATE_FOLDER / "programs" / f"{name}-{version}")
    if not identity.can(programs / program, "--version"):
        raise Failure(f"{programs / program} cannot be run as {identity.word}.")
    data, other = near, far
    if os.geteuid() == 0 and not identity.can("test", "-w", near):
        data, other = far, near
        _open_to_all(STATE_FOLDER, far.parent)
        far.mkdir(exist_ok=True)
        far.chmod(0o700)
    moved = _bring(other, data)
    identity.own(data, thoroughly=moved)
    return Place(programs, data)


def forget(home: Path, name: str) -> None:
    """Remove a server's data, wherever they stand."""
    for folder in (home / name, STATE_FOLDER / _key(home) / name):
        shutil.rmtree(folder, ignore_errors=True)


def _key(home: Path) -> str:
    return sha256(str(home.resolve()).encode()).hexdigest()[:12]


def _open_to_all(*folders: Path) -> None:
    for folder in folders:
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o755)


def _bring(old: Path, new: Path) -> bool:
    """Data of a run under another identity, which stood elsewhere, come along."""
    if not old.is_dir() or any(new.iterdir()):
        return False
    items = list(old.iterdir())
    for item in items:
        shutil.move(item, new / item.name)
    return bool(items)


def _copies(source: Path, parts: list[str], target: Path) -> Path:
    """The parts, copied once per version to where every user can run them."""
    if target.is_dir():
        return target
    _open_to_all(STATE_FOLDER, target.parent)
    fresh = target.with_name(f"{target.name}.{os.getpid()}")
    for part in parts:
        shutil.copytree(source / part, fresh / part, symlinks=True, ignore=_dispensable)
    for path in [fresh, *fresh.rglob("*")]:
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
    try:
        fresh.rename(target)
    except OSError:  # somebody else was faster
        shutil.rmtree(fresh)
    return target


def _dispensable(folder: str, names: list[str]) -> set[str]:
    return {name for name in names if name in {"include", "doc", "__pycache__"}}
