"""The whole case as one PDF (电子卷宗), numbered from the first page to the last.

Cover with index, forms, letters, corrections, opinions, slips, papers, movements with their hashes.

Every part goes to a file of its own and is read from there while the whole is written, so that a case with
many papers needs no more memory than one paper.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import pikepdf
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.translation import override
from PIL import Image

from register import clock, codes
from register.models import Kind
from register.printing import qr_svg, render_pdf
from review import history, letter_files, log, papers, sections
from review.documents import letters, officer, slips, wording
from review.documents.sheets import short_digest
from review.models import Case, Dossier, Movement, Opinion
from review.states import State
from tenants.models import Agency

TITLE: Final = "电子卷宗"
# The pages of a paper as JPEG, in their order, by the line of the dossier that names it.
PagesOf = Callable[[Mapping[str, Any]], Iterable[bytes]]
# Papers beyond this are listed with their hash only: the file has to be opened and sent by people.
MOST_BYTES: Final = 60 * 1024 * 1024
A4: Final = (595.276, 841.89)
# Where a paper's picture stands: room for the line above and the page number below.
SIDE, TOP, BOTTOM = 28.0, 42.0, 34.0
HIDDEN: Final = "材料上有完整证件号码，未装入本卷宗。"
TOO_LARGE: Final = "超出卷宗大小限制，未装入本卷宗。"


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the archive: its line in the index, its pages as a file, and a caption for each page.

    A part without a file is only named in the index.
    """

    group: str
    title: str
    note: str = ""
    file: Path | None = None
    pages: int = 0
    captions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the index: a part and the page on which it begins."""

    part: Part
    page: int


@dataclass(kw_only=True)
class Archive:
    """The archive of one case while it is put together in a folder of its own.

    `number` is the full document number for the forms, None for the mask; `pages_of` gives the pages of an
    uploaded paper, None where the orderer may not see them.
    """

    case: Case
    agency: Agency
    authority: Agency
    folder: Path
    by: str
    number: str | None = None
    pages_of: PagesOf | None = None
    on_step: Callable[[int], None] = lambda step: None
    parts: list[Part] = field(default_factory=list)
    bytes_taken: int = 0

    # --- Parts ---------------------------------------------------------------------------------------

    def gather(self) -> None:
        """Write every part, in the order of the index."""
        dossiers = list(self.case.dossiers.order_by("version"))
        movements = list(self.case.movements.order_by("number"))
        self._forms(dossiers)
        self._letters(movements)
        self._corrections(dossiers)
        self._opinions()
        self._slips()
        self._papers(dossiers)
        self._movements(movements)

    def _forms(self, dossiers: Sequence[Dossier]) -> None:
        for dossier in dossiers:
            title = f"注册申请表（第{dossier.version}版）"
            note = f"上报 {_moment(dossier.lodged_at)}　校验码 {short_digest(dossier.digest)}"
            self._add("申请表", title, officer.form_pdf(self.case, dossier, full_number=self.number), note)

    def _letters(self, movements: Sequence[Movement]) -> None:
        written = letters.letters_of(self.case, movements, agency=self.agency, authority=self.authority)
        for letter in written:
            note = f"{letter.number}　{wording.day(letter.on)}"
            kept = letter_files.pdf_of(self.case.pk, letter.slug, self.agency)
            self._add("文书", letter.title, kept or letters.letter_pdf(letter), note)

    def _corrections(self, dossiers: Sequence[Dossier]) -> None:
        answers: dict[tuple[int | None, str], str] = {
            (dossier.version, answer["item"]): answer["text"]
            for dossier in dossiers
            for answer in dossier.content.get("answers") or ()
        }
        for told in self.case.correction_requests.order_by("number"):
            version = told.answered_by_version
            rows = [
                (
                    str(number),
                    sections.item_label(item["item"]),
                    _joined(codes.label("reason", item["code"]) if item.get("code") else "", item["text"]),
                    answers.get((version, item["item"]), "已修改" if version else ""),
                )
                for number, item in enumerate(told.items, 1)
            ]
            answered = (
                f"申请人于{_moment(told.answered_at)}以第{version}版答复。"
                if told.answered_at
                else "尚未答复。"
            )
            said = [f"{told.told_by_name}于{_moment(told.told_at)}告知。{answered}"]
            if told.reason:
                said.append(f"理由：{told.reason}")
            heads = (("序号", "mm-14"), ("项目", "mm-34"), ("问题和要求", ""), ("申请人答复", "mm-44"))
            self._table("补正", f"第{told.number}次补正及答复", heads, rows, said)

    def _opinions(self) -> None:
        rows = [
            (
                f"{Opinion.Level(o.level).label}：{Opinion.Verdict(o.verdict).label}",
                "；".join(filter(None, [*(codes.label("reason", code) for code in o.codes), o.text])),
                f"{o.author_name}\n{_moment(o.given_at)}",
                f"{o.countersigned_by_name}\n{_moment(o.countersigned_at)}" if o.countersigned_at else "",
                str(Opinion.Standing(o.standing).label),
            )
            for o in self.case.opinions.order_by("given_at")
        ]
        heads = (
            ("意见", "mm-34"),
            ("理由和说明", ""),
            ("提出", "mm-34"),
            ("复核", "mm-34"),
            ("效力", "mm-14"),
        )
        if rows:
            self._table("审查意见", "审查意见", heads, rows)

    def _slips(self) -> None:
        for slip in self.case.paper_slips.all():
            note = f"{papers.number_of(self.case, slip)}　{_moment(slip.received_at)}"
            pdf = slips.slip_pdf(self.case, slip, agency=self.agency)
            self._add("材料签收", f"材料签收单（第{slip.number}号）", pdf, note)

    def _papers(self, dossiers: Sequence[Dossier]) -> None:
        for line, versions in uploaded(dossiers):
            label = codes.label("paper", line["code"])
            listed = "、".join(str(version) for version in versions)
            note = f"{line['name']}　第{listed}版　SHA-256 {line['sha256'][:16]}…"
            if self.pages_of is None or self.bytes_taken > MOST_BYTES:
                why = HIDDEN if self.pages_of is None else TOO_LARGE
                self._step(Part("上传材料", label, f"{note}　{why}"))
                continue
            pages, taken = pictured(self.pages_of(line), self._file())
            self.bytes_taken += taken
            captions = tuple(
                f"{label}　{line['name']}　第{number}页/共{pages}页　SHA-256 {line['sha256']}"
                for number in range(1, pages + 1)
            )
            self._step(Part("上传材料", label, note, self._file(), pages, captions))

    def _movements(self, movements: Sequence[Movement]) -> None:
        rows = [
            (
                str(movement.number),
                f"{_moment(movement.at)}\n{history.who_did(movement)}",
                "\n".join([f"{movement.word}：{_way(movement)}", *history.said_in(movement)]),
                movement.hash,
            )
            for movement in movements
        ]
        heads = (("序号", "mm-14"), ("时间和办理人", "mm-44"), ("事项和内容", ""), ("摘要", "mm-44 hash"))
        said = [
            f"每条记录的摘要（SHA-256）包括上一条记录的摘要，首条以案卷编号{self.case.pk}为起点。",
            chain_word(self.case, movements),
        ]
        self._table("流转记录", "流转记录", heads, rows, said)

    # --- Files ---------------------------------------------------------------------------------------

    def _table(
        self,
        group: str,
        title: str,
        heads: Sequence[tuple[str, str]],
        rows: Sequence[Sequence[str]],
        said: Sequence[str] = (),
    ) -> None:
        context = {
            "title": title,
            "reference": self.case.reference,
            "heads": heads,
            "rows": [
                list(zip(wording.printable(row), (css for _head, css in heads), strict=True)) for row in rows
            ],
            "said": wording.printable(said),
        }
        self._add(group, title, render_pdf(render_to_string("print/archive_table.html", context)))

    def _add(self, group: str, title: str, pdf: bytes, note: str = "") -> None:
        file = self._file()
        file.write_bytes(pdf)
        with pikepdf.open(BytesIO(pdf)) as part:
            pages = len(part.pages)
        self._step(Part(group, title, note, file, pages, ("",) * pages))

    def _file(self) -> Path:
        return self.folder / f"part-{len(self.parts):04}.pdf"

    def _step(self, part: Part) -> None:
        self.parts.append(part)
        self.on_step(len(self.parts))

    # --- The whole -----------------------------------------------------------------------------------

    def write(self, file: Path) -> int:
        """Cover and parts as one file, each page numbered; answers how many pages it has."""
        cover = self._cover(1)
        with pikepdf.open(BytesIO(cover)) as first:
            length = len(first.pages)
        if length > 1:
            cover = self._cover(length)
        captions = ["" for _page in range(length)]
        captions += [caption for part in self.parts for caption in part.captions]
        with ExitStack() as opened:
            whole = opened.enter_context(pikepdf.Pdf.new())
            whole.pages.extend(opened.enter_context(pikepdf.open(BytesIO(cover))).pages)
            for part in self.parts:
                if part.file is not None:
                    whole.pages.extend(opened.enter_context(pikepdf.open(part.file)).pages)
            self._number(opened, whole, captions)
            self._outline(whole, length)
            whole.docinfo["/Title"] = f"{TITLE} {self.case.reference}"
            whole.save(file, object_stream_mode=pikepdf.ObjectStreamMode.generate)
            return len(whole.pages)

    def _cover(self, length: int) -> bytes:
        now = timezone.localtime(clock.now())
        entries, page = [], length + 1
        for part in self.parts:
            entries.append(Entry(part, page if part.file else 0))
            page += part.pages
        case = self.case
        context = {
            "title": TITLE,
            "reference": case.reference,
            "agency": self.agency,
            "case": case,
            "name": wording.printable(case.applicant_name),
            "kind": str(Kind(case.kind).label),
            "state": str(State(case.state).label),
            "document": self.number or case.document_mask,
            "employer": wording.printable(case.employer_name),
            "lodged": _moment(case.lodged_at),
            "entries": [(entry, wording.printable(entry.part.note)) for entry in entries],
            "total": page - 1,
            "made": f"{wording.day(now.date())}{now:%H:%M}",
            "by": wording.printable(self.by),
            "head": case.chain_head,
            "length": case.chain_length,
            "qr": qr_svg(f"{case.reference}:ARCHIVE".upper()),
        }
        return render_pdf(render_to_string("print/archive_cover.html", context))

    def _number(self, opened: ExitStack, whole: pikepdf.Pdf, captions: Sequence[str]) -> None:
        """Write on each page its number in the archive, and above a paper what it is."""
        context = {
            "reference": self.case.reference,
            "captions": [wording.printable(caption) for caption in captions],
            "total": len(captions),
            "title": TITLE,
        }
        drawn = render_pdf(render_to_string("print/archive_numbers.html", context))
        numbers = opened.enter_context(pikepdf.open(BytesIO(drawn)))
        for page, number in zip(whole.pages, numbers.pages, strict=True):
            page.add_overlay(number, pikepdf.Rectangle(page.mediabox))

    def _outline(self, whole: pikepdf.Pdf, length: int) -> None:
        page = length
        with whole.open_outline() as outline:
            for part in self.parts:
                if part.file is not None:
                    outline.root.append(pikepdf.OutlineItem(part.title, page))
                page += part.pages


def archive_of(
    case: Case,
    file: Path,
    *,
    agency: Agency,
    authority: Agency,
    by: str,
    number: str | None = None,
    pages_of: PagesOf | None = None,
    on_step: Callable[[int], None] = lambda step: None,
) -> int:
    """Write the archive of a case to a file; answers its number of pages. Stand inside the case's agency."""
    with TemporaryDirectory() as folder, override("zh-hans"):
        archive = Archive(
            case=case,
            agency=agency,
            authority=authority,
            folder=Path(folder),
            by=by,
            number=number,
            pages_of=pages_of,
            on_step=on_step,
        )
        archive.gather()
        return archive.write(file)


def uploaded(dossiers: Iterable[Dossier]) -> list[tuple[dict[str, Any], list[int]]]:
    """Every uploaded paper that any version names, with those versions, in the order of the list."""
    found: dict[str, tuple[dict[str, Any], list[int]]] = {}
    for dossier in dossiers:
        for line in dossier.content.get("papers") or ():
            found.setdefault(line["id"], (line, []))[1].append(dossier.version)
    return sorted(found.values(), key=lambda one: (one[0]["code"], one[1][0]))


def pictured(pages: Iterable[bytes], file: Path) -> tuple[int, int]:
    """Pictures as pages of A4 in a file, not compressed again; answers how many, and how many bytes."""
    count = taken = 0
    with pikepdf.Pdf.new() as part:
        for data in pages:
            _picture_page(part, data)
            count, taken = count + 1, taken + len(data)
        part.save(file)
    return count, taken


def _picture_page(part: pikepdf.Pdf, data: bytes) -> None:
    with Image.open(BytesIO(data)) as image:
        (width, height), grey = image.size, image.mode == "L"
    picture = pikepdf.Stream(
        part,
        data,
        Type=pikepdf.Name.XObject,
        Subtype=pikepdf.Name.Image,
        Width=width,
        Height=height,
        ColorSpace=pikepdf.Name.DeviceGray if grey else pikepdf.Name.DeviceRGB,
        BitsPerComponent=8,
        Filter=pikepdf.Name.DCTDecode,
    )
    page = part.add_blank_page(page_size=A4)
    page.Resources = pikepdf.Dictionary(XObject=pikepdf.Dictionary(Picture=picture))
    room = (A4[0] - 2 * SIDE, A4[1] - TOP - BOTTOM)
    scale = min(room[0] / width, room[1] / height)
    wide, high = width * scale, height * scale
    left, low = (A4[0] - wide) / 2, BOTTOM + (room[1] - high) / 2
    drawn = f"q {wide:.3f} 0 0 {high:.3f} {left:.3f} {low:.3f} cm /Picture Do Q"
    page.Contents = part.make_stream(drawn.encode())


def chain_word(case: Case, movements: Sequence[Movement]) -> str:
    """Whether the chain of movements holds from the case's id to the head that the case keeps."""
    previous = str(case.pk)
    for number, movement in enumerate(movements, 1):
        whole = movement.number == number and movement.previous == previous
        if not whole or movement.hash != log.hash_of(movement):
            return f"经核对，第{number}条记录与摘要不符。"
        previous = movement.hash
    if (len(movements), previous) != (case.chain_length, case.chain_head or previous):
        return "经核对，记录条数与案卷保存的不符。"
    return "经核对，记录完整，摘要相符。"


def steps_of(case: Case) -> int:
    """About how many parts the archive of this case has, for its progress."""
    dossiers = list(case.dossiers.only("content"))
    return (
        len(dossiers)
        + len(uploaded(dossiers))
        + case.movements.filter(act__in={act for act, _state in letters.LETTERS}).count()
        + case.correction_requests.count()
        + case.paper_slips.count()
        + 2
    )


def _way(movement: Movement) -> str:
    to = State(movement.to_state).label
    if not movement.from_state or movement.from_state == movement.to_state:
        return str(to)
    return f"{State(movement.from_state).label} → {to}"


def _moment(at: Any) -> str:
    local = timezone.localtime(at)
    return f"{wording.day(local.date())}{local:%H:%M}"


def _joined(*words: str) -> str:
    return "；".join(filter(None, words))
