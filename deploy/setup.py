"""Make this machine ready for the demonstration, the tests or the checks; what is there already is skipped.

Runs on a bare Python 3.11 or newer, before anything is installed. Needs of the system are installed by root
through apt; to others the exact command is named. Everything else goes into `.venv` and `var`.
"""

from __future__ import annotations

import argparse
import ctypes
import fcntl
import importlib.util
import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from deploy.lifelines import ROOT, Failure, var_folder

PURPOSES = ("demo", "manage", "test", "check", "screens", "bench")
UV_VERSION = (0, 13, 9)
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
_SYSTEM_STORE = Path("/etc/ssl/certs/ca-certificates.crt")
_TRUST = ("PIP_CERT", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE")


# The first is Chromium without a window: the same pages for a third of the processor's time.
CHROMIUM = (
    "chromium-headless-shell",
    "chromium",
    "chromium-browser",
    "google-chrome-stable",
    "google-chrome",
)


@dataclass(frozen=True)
class Need:
    """Something only the system's package manager can bring."""

    packages: tuple[str, ...]
    lack: str  # what does not work without it
    vital: bool  # whether to stop without it
    by_hand: str = ""  # how to install what apt cannot bring


# --- What is missing -----------------------------------------------------------------------------


def missing(purpose: str) -> Iterator[Need]:
    """The needs of this purpose that the system does not meet yet."""
    if not _is_synced(purpose) and not _can_get_uv():
        package = f"python{sys.version_info.major}.{sys.version_info.minor}-venv"
        yield Need((package,), "Python's packages cannot be installed", vital=True)
    libraries = {
        "libpango-1.0.so.0": "libpango-1.0-0",
        "libpangoft2-1.0.so.0": "libpangoft2-1.0-0",
        "libharfbuzz-subset.so.0": "libharfbuzz-subset0",
    }
    absent = tuple(package for library, package in libraries.items() if not _loads(library))
    if absent:
        yield Need(absent, "forms and certificates cannot be printed", vital=True)
    if purpose in {"demo", "test", "screens", "bench"}:
        if not _has_font("opentype/noto/NotoSerifCJK-Regular.ttc", "Noto Serif CJK SC"):
            yield Need(("fonts-noto-cjk",), "Chinese text in prints is unreadable", vital=False)
        if not _has_font("truetype/hanazono/HanaMinB.ttf", "HanaMinB"):
            yield Need(("fonts-hanazono",), "rare characters in names are not printed", vital=False)
    if purpose in {"test", "screens"} and not chromium():
        # Ubuntu's package is a hull that calls snap, which a container cannot run.
        by_hand = "sudo snap install chromium" if "ubuntu" in _system_id() else ""
        package = "chromium" if by_hand else CHROMIUM[0]
        yield Need((package,), "nothing can be tried in a browser", purpose == "screens", by_hand)
    if purpose in {"test", "screens"} and not _loads("libatomic.so.1"):
        yield Need(("libatomic1",), "the driver of the browser does not start", purpose == "screens")
    if purpose == "test" and not shutil.which("pdfsig"):
        yield Need(("poppler-utils",), "no test checks the signature of certificates", vital=False)
    if purpose == "test" and not shutil.which("soffice"):
        yield Need(("libreoffice-writer-nogui",), "no test opens the form's Word file", vital=False)
    if purpose == "check" and not shutil.which("xgettext"):
        yield Need(("gettext",), "translations cannot be compared with the sources", vital=False)


def chromium() -> str | None:
    """The browser for tests and pictures: PORTAL_CHROMIUM or one on the path."""
    return os.environ.get("PORTAL_CHROMIUM") or next(filter(None, map(shutil.which, CHROMIUM)), None)


def _system_id() -> str:
    release = Path("/etc/os-release")
    lines = release.read_text().splitlines() if release.exists() else []
    return " ".join(line for line in lines if line.startswith(("ID=", "ID_LIKE=")))


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def _has_font(file: str, family: str) -> bool:
    if Path("/usr/share/fonts", file).exists():
        return True
    if not shutil.which("fc-list"):
        return False
    return bool(_output("fc-list", family))


def _output(*words: str | Path) -> str:
    try:
        return subprocess.run(words, capture_output=True, text=True, check=False, cwd=ROOT).stdout.strip()
    except OSError:
        return ""


# --- The system's packages -----------------------------------------------------------------------


def meet(needs: list[Need]) -> None:
    """Install what the system lacks, or name the command. Raises Failure for what is vital."""
    packages = [package for need in needs if not need.by_hand for package in need.packages]
    if packages and os.geteuid() == 0 and shutil.which("apt-get"):
        with _step(f"Installing system packages: {' '.join(packages)}"):
            trouble = _apt(packages)
        if trouble:
            _say(f"apt-get could not install them:\n{trouble}")
        else:
            needs = [need for need in needs if need.by_hand]
            packages = []
    commands = [need.by_hand for need in needs if need.by_hand]
    if packages:
        commands.append(f"sudo apt-get install -y --no-install-recommends {' '.join(packages)}")
    sentences = [f"Without {', '.join(need.packages)} {need.lack}." for need in needs]
    advice = "\n".join([*sentences, "Install what is missing with:", *(f"    {words}" for words in commands)])
    if any(need.vital for need in needs):
        raise Failure(advice)
    if needs:
        _say(advice)


def _apt(packages: list[str]) -> str:
    """Returns what apt complained of, or nothing."""
    if not any(Path("/var/lib/apt/lists").glob("*_Packages*")):
        _apt_update()
    install = ("install", "-y", "--no-install-recommends", *packages)
    trouble = _apt_get(*install)
    if trouble:  # perhaps the lists are out of date
        _apt_update()
        trouble = _apt_get(*install)
    return trouble


def _apt_update() -> None:
    for _attempt in range(30):
        trouble = _apt_get("update")
        if "Could not get lock" not in trouble:
            return
        time.sleep(5)


def _apt_get(*words: str) -> str:
    done = subprocess.run(
        ["apt-get", "-q", "-o", "DPkg::Lock::Timeout=600", "-o", "Dpkg::Use-Pty=0", *words],
        env={**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return "" if done.returncode == 0 else "\n".join(done.stdout.splitlines()[-15:]) or "apt-get failed"


# --- Python's packages ---------------------------------------------------------------------------


def sync(purpose: str) -> None:
    """Bring `.venv` to what the lock file says: the demonstration needs less than tests and checks."""
    if _is_synced(purpose):
        return
    uv = _uv()
    words = [uv, "sync", "--frozen", "--quiet", "--python", sys.executable]
    if not _wants_all(purpose):
        words += ["--no-group", "dev", "--inexact"]
    cache = var_folder() / "cache" / "uv"
    env = {"UV_CACHE_DIR": str(cache), "UV_SYSTEM_CERTS": "1", "UV_PYTHON_DOWNLOADS": "never"} | dict(
        os.environ
    )
    env.pop("VIRTUAL_ENV", None)
    with _step("Installing Python packages"):
        done = subprocess.run(words, cwd=ROOT, env=env, check=False)
    if done.returncode != 0:
        raise Failure(f"The Python packages could not be installed: {shlex.join(words)} failed, see above.")
    for other in ("check", "demo") if _wants_all(purpose) else ("demo",):
        _stamp(other).write_text(_wanted())


def _wants_all(purpose: str) -> bool:
    return purpose not in {"demo", "manage"}


def _stamp(purpose: str) -> Path:
    return VENV / f".portal-{'all' if _wants_all(purpose) else 'demo'}"


def _wanted() -> str:
    files = (ROOT / "uv.lock", ROOT / "pyproject.toml")
    return sha256(b"\0".join([str(ROOT).encode(), *(file.read_bytes() for file in files)])).hexdigest()


def _is_synced(purpose: str) -> bool:
    stamp = _stamp(purpose)
    return PYTHON.exists() and stamp.exists() and stamp.read_text() == _wanted()


def _own_uv() -> Path:
    return var_folder() / "tools" / "bin" / "uv"


def _good_uv(uv: str | Path) -> bool:
    words = _output(uv, "--version").split()
    try:
        return tuple(int(part) for part in words[1].split(".")[:2]) >= UV_VERSION[:2]
    except (IndexError, ValueError):
        return False


def _can_get_uv() -> bool:
    pieces = ("ensurepip", "pip")
    return any(map(importlib.util.find_spec, pieces)) or _good_uv(_own_uv()) or _good_uv("uv")


def _uv() -> str:
    """uv: ours, or a good one on the path, or installed by pip into `var/tools`."""
    for known in (_own_uv(), "uv"):
        if _good_uv(known):
            return str(known)
    tools = var_folder() / "tools"
    wanted = f"uv=={'.'.join(map(str, UV_VERSION))}"
    quiet = ["install", "--quiet", "--disable-pip-version-check", "--no-input", "--no-cache-dir", wanted]
    with _step("Installing uv, the package installer"):
        if importlib.util.find_spec("ensurepip"):
            _must(sys.executable, "-m", "venv", "--clear", tools)
            _must(tools / "bin" / "python", "-m", "pip", *quiet)
        else:
            _must(sys.executable, "-m", "pip", *quiet, "--target", tools, "--upgrade")
    return str(_own_uv())


def _must(*words: str | Path) -> None:
    done = subprocess.run(words, env=_trusting(), check=False, stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        raise Failure(f"{shlex.join(map(str, words))} failed, see above.")


def _trusting() -> dict[str, str]:
    """pip trusts what the system trusts, unless somebody said otherwise."""
    env = dict(os.environ)
    if _SYSTEM_STORE.exists() and not any(map(env.get, _TRUST)) and not _pip_has_certificate():
        env["PIP_CERT"] = str(_SYSTEM_STORE)
    return env


def _pip_has_certificate() -> bool:
    homes = (Path.home() / ".config/pip/pip.conf", Path.home() / ".pip/pip.conf", Path("/etc/pip.conf"))
    files = [Path(given) for given in [os.environ.get("PIP_CONFIG_FILE", "")] if given] + [*homes]
    return any("cert" in file.read_text(errors="replace") for file in files if file.is_file())


# --- Translations --------------------------------------------------------------------------------


def compile_translations() -> None:
    """Compile those translations that are newer than their compiled form."""
    stale = [
        source
        for source in (ROOT / "portal" / "locale").glob("*/LC_MESSAGES/*.po")
        if not (made := source.with_suffix(".mo")).exists() or made.stat().st_mtime < source.stat().st_mtime
    ]
    if stale:
        _must(PYTHON, "-m", "deploy.translations", *stale)


# --- All of it -----------------------------------------------------------------------------------


def ready(purpose: str) -> None:
    """Bring the machine to where this purpose can be served. Raises Failure with what to do."""
    with _alone():
        meet(list(missing(purpose)))
        sync(purpose)
        compile_translations()


@contextmanager
def _alone() -> Iterator[None]:
    """One sets up at a time."""
    var = var_folder()
    try:
        var.mkdir(parents=True, exist_ok=True)
        lock = (var / "setup.lock").open("a")
    except OSError as trouble:
        raise Failure(f"{var} is not writable for this user ({trouble.strerror}).") from None
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def _step(text: str) -> Iterator[None]:
    start = time.monotonic()
    _say(f"{text} …")
    yield
    _say(f"  {time.monotonic() - start:.1f} s")


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="bin/setup", description=__doc__)
    parser.add_argument("--for", dest="purpose", choices=PURPOSES, default="test", help="default: everything")
    try:
        ready(parser.parse_args().purpose)
    except Failure as failure:
        _say(str(failure))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
