"""LibreOffice for tests: what it makes of a Word file."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from pypdf import PdfReader


@dataclass(frozen=True)
class Opened:
    """A Word file as LibreOffice opens it: the text of each page, pictures beside the text, fonts."""

    pages: list[str]
    pictures: list[list[Image.Image]]
    fonts: set[str]


def opened(files: dict[str, bytes], folder: Path) -> dict[str, Opened]:
    """Open Word files, all in one go. Skips where there is no LibreOffice."""
    program = shutil.which("soffice")
    if program is None:
        pytest.skip("LibreOffice is not installed (bin/setup installs libreoffice-writer-nogui as root)")
    for name, data in files.items():
        (folder / f"{name}.docx").write_bytes(data)
    subprocess.run(
        [
            program,
            f"-env:UserInstallation=file://{folder}/profile",
            "--headless",
            "--convert-to",
            "pdf",
            "--outdir",
            str(folder),
            *(str(folder / f"{name}.docx") for name in files),
        ],
        check=True,
        capture_output=True,
        timeout=300,
    )
    return {name: _read(folder / f"{name}.pdf") for name in files}


def _read(file: Path) -> Opened:
    reader = PdfReader(io.BytesIO(file.read_bytes()))
    fonts = set()
    for page in reader.pages:
        resources: Any = page["/Resources"]
        fonts |= {str(font.get_object()["/BaseFont"]) for font in resources["/Font"].values()}
    return Opened(
        pages=[re.sub(r"\s", "", page.extract_text()) for page in reader.pages],
        pictures=[[picture.image for picture in page.images if picture.image] for page in reader.pages],
        fonts=fonts,
    )
