"""Uploaded papers: looked at, written anew, and kept with the application.

Pictures become JPEG without metadata, PDF files lose everything that acts; every page can be shown as a
picture. What is stored never changes and has its SHA-256 beside it. Which of the stored papers make up an
application stands in its sections, so that one taken out can be put back.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from io import BytesIO
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from PIL import Image

from intake.circumstances import Circumstances
from intake.flows import Section
from intake.forms import exam_category
from intake.models import Application, Paper, PaperPage
from register import clock, codes, materials, pdfs, pictures
from register.materials import Facts, Needed
from register.models import DocketEntry
from register.uploads import PDF, Sanitised
from review.models import Dossier
from review.states import State
from tenants import crossing
from tenants.errors import Refusal
from tenants.models import Agency

MOST_PAGES: Final = pdfs.MOST_PAGES
THUMBNAIL: Final = (160, 160)


# --- Which papers an application needs -------------------------------------------------------------


def facts_of(application: Application, about: Circumstances) -> Facts:
    """What of this application decides about its papers."""
    said = application.sections.get(Section.REGISTRATION) or {}
    changes = said.get("change_items")
    category, exam = said.get("category", ""), exam_category(about)
    return Facts(
        kind=about.kind,
        hours_count=about.hours_count,
        changes=frozenset(changes) if changes is not None else None,
        other_category=bool(category) and not codes.category_agrees(category, exam),
    )


def needed_by(application: Application, about: Circumstances) -> tuple[Needed, ...]:
    """The papers of this application, in the order of the list."""
    return materials.needed(facts_of(application, about))


def is_code(code: str) -> bool:
    """Whether this is a code of the list of papers (材料类型)."""
    return code in dict(codes.choices("paper"))


def label_of(code: str) -> str:
    """The name of a kind of paper."""
    return codes.label("paper", code)


# --- Which files make up an application ------------------------------------------------------------

# In `Application.sections`: the ids of its papers by code, in the order in which they were added.
SECTION: Final = "papers"
MOST_FILES: Final = 10
MOST_LISTED: Final = 60
# Every upload stays until the clerk clears away what is not used: nobody fills the store.
MOST_A_DAY: Final = 60
A_DAY: Final = timedelta(days=1)
# So long a draft's owner may put back what was taken out of it.
PUT_BACK: Final = timedelta(days=7)
LONGEST_NAME: Final = 80
# Digits in a row that may be somebody's number: the name of a file is shown, numbers are not.
LONG_NUMBER: Final = re.compile(r"\d{9,}[Xx]?")


def takes_uploads(agency: Agency | None) -> bool:
    """Whether this agency takes papers as files (材料方式)."""
    return agency is not None and agency.materials_mode != Agency.Materials.PAPER


def must_upload(agency: Agency | None) -> bool:
    """Whether this agency takes papers as files only, so that nothing is lodged without them."""
    return agency is not None and agency.materials_mode == Agency.Materials.UPLOAD


def listed(application: Application) -> dict[str, list[str]]:
    """The ids of the application's papers by code."""
    found: dict[str, list[str]] = application.sections.get(SECTION) or {}
    return found


def without_bytes(found: QuerySet[Paper]) -> QuerySet[Paper]:
    """These papers without file and thumbnail: whoever shows one of the two reads just that."""
    return found.defer("data", "thumbnail")


def rows_of(application: Application) -> QuerySet[Paper]:
    """Everything uploaded for this application, in the order of time, without the bytes."""
    return without_bytes(application.papers.all()).order_by("created_at", "id")


def files_of(application: Application) -> dict[str, list[Paper]]:
    """The application's papers by code, as listed."""
    ids = listed(application)
    wanted = [key for keys in ids.values() for key in keys]
    known = {str(paper.pk): paper for paper in rows_of(application).filter(pk__in=wanted)} if wanted else {}
    return {code: [known[key] for key in keys if key in known] for code, keys in sorted(ids.items()) if keys}


def lines_of(application: Application) -> list[dict[str, Any]]:
    """The papers as the dossier names them; none where the agency takes them on paper only.

    What was lodged stays, also where the case has been handed over to an agency that takes paper.
    """
    if application.status == Application.Status.DRAFT and not takes_uploads(application.agency):
        return []
    return [
        {
            "id": str(paper.pk),
            "code": code,
            "name": paper.name,
            "content_type": paper.content_type,
            "pages": paper.pages,
            "sha256": paper.sha256,
        }
        for code, papers in files_of(application).items()
        for paper in papers
    ]


def hashes(lines: Iterable[dict[str, Any]]) -> dict[str, list[str]]:
    """The hash of each file by the code of its paper, for the movement that covers them."""
    found: dict[str, list[str]] = {}
    for line in lines:
        found.setdefault(line["code"], []).append(line["sha256"])
    return found


def name_of(name: str) -> str:
    """The name of a file as it may be shown: one line, no tricks of direction, no long numbers."""
    last = unicodedata.normalize("NFC", name).replace("\\", "/").rpartition("/")[2]
    visible = "".join(char for char in last if not unicodedata.category(char).startswith("C"))
    plain = " ".join(LONG_NUMBER.sub("***", visible).split())
    stem, dot, suffix = plain.rpartition(".")
    if len(plain) > LONGEST_NAME and dot and len(suffix) <= len("jpeg"):
        return f"{stem[: LONGEST_NAME - len(suffix) - 2]}….{suffix}"
    return plain[:LONGEST_NAME]


# --- Taking in and out: stand in a transaction with the application locked -------------------------


def keep(current: Application, *, code: str, clean: Sanitised, name: str, form_digest: str = "") -> Paper:
    """Store a paper and list it. The same file twice is one; one taken out before is put back.

    Raises `Refusal` when there are too many.
    """
    if form_digest:
        _set_aside(current, code, form_digest)
    same = rows_of(current).filter(code=code, sha256=clean.sha256, form_digest=form_digest).first()
    if same is None:
        _refuse_full(current, code)
        if current.papers.filter(created_at__gt=clock.now() - A_DAY).count() >= MOST_A_DAY:
            raise Refusal(_("这份申请今天上传的文件过多，请明天再上传。"), code="too_many_today")
        same = _stored(current, code, clean, name, form_digest)
    put_back(current, same)
    return same


def _refuse_full(current: Application, code: str) -> None:
    """Refuse one more file for this paper, or for the application, when there are enough."""
    ids = listed(current)
    if len(ids.get(code, [])) >= MOST_FILES:
        raise Refusal(
            gettext("每种材料最多上传 %(most)s 个文件。请删除不需要的文件，或者合并成一个 PDF 文件。")
            % {"most": MOST_FILES},
            code="too_many",
        )
    if sum(map(len, ids.values())) >= MOST_LISTED:
        raise Refusal(
            gettext("一份申请最多上传 %(most)s 个文件。请删除不需要的文件，或者合并成一个 PDF 文件。")
            % {"most": MOST_LISTED},
            code="too_many",
        )


def _set_aside(current: Application, code: str, form_digest: str) -> None:
    """List no longer what was signed on a form with other content than the one just uploaded."""
    for old in rows_of(current).filter(code=code).exclude(form_digest=form_digest):
        take_out(current, old)


def _stored(current: Application, code: str, clean: Sanitised, name: str, form_digest: str) -> Paper:
    paper = Paper.objects.create(
        application=current,
        code=code,
        name=name_of(name) or codes.label("paper", code),
        content_type=clean.content_type,
        sha256=clean.sha256,
        data=clean.data,
        size=len(clean.data),
        pages=len(clean.pages),
        thumbnail=_thumbnail(clean.pages[0]),
        form_digest=form_digest,
        created_at=clock.now(),
    )
    if clean.content_type == PDF:
        PaperPage.objects.bulk_create(
            PaperPage(paper=paper, number=number, data=page) for number, page in enumerate(clean.pages, 1)
        )
    return paper


def _thumbnail(page: bytes) -> bytes:
    with Image.open(BytesIO(page)) as image:
        image.thumbnail(THUMBNAIL)
        return pictures.as_jpeg(image.convert("RGB"), qualities=(70,), at_most=len(page))


def put_back(current: Application, paper: Paper) -> None:
    """List a stored paper. Raises `Refusal` when there are enough without it."""
    ids = listed(current)
    if str(paper.pk) not in ids.get(paper.code, []):
        _refuse_full(current, paper.code)
        current.sections[SECTION] = {**ids, paper.code: [*ids.get(paper.code, []), str(paper.pk)]}


def take_out(current: Application, paper: Paper) -> None:
    """List a paper no longer; it can be put back until the application is lodged."""
    ids = listed(current)
    left = [key for key in ids.get(paper.code, []) if key != str(paper.pk)]
    current.sections[SECTION] = {**ids, paper.code: left}


# --- What the page shows ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A paper of the list: what it is, the files uploaded for it, and those taken out again."""

    needed: Needed
    files: tuple[Paper, ...] = ()
    removed: tuple[Paper, ...] = ()
    # Whether files may be added and taken out now.
    open: bool = True
    # The signed form was printed from other content than there is now.
    outdated: bool = False

    @property
    def code(self) -> str:
        return self.needed.code

    @property
    def missing(self) -> bool:
        """Still to be uploaded, or to be uploaded again."""
        return self.needed.must and (not self.files or self.outdated)

    @property
    def message(self) -> str:
        """What is missing, as a sentence."""
        if self.outdated:
            return gettext("申请表在打印后有修改。请重新打印、签字盖章，并上传新的申请表。")
        return gettext("请上传%(paper)s。") % {"paper": self.needed.label}


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """The papers of an application on its pages. `must`: nothing is lodged without the uploads."""

    application: Application
    agency: Agency | None
    items: tuple[Item, ...]
    uploads: bool
    must: bool

    @property
    def missing(self) -> tuple[Item, ...]:
        """What keeps the application from being lodged."""
        return tuple(item for item in self.items if item.missing) if self.must else ()

    @property
    def faults(self) -> list[dict[str, str]]:
        """The missing ones as lines of an error summary."""
        return [{"message": item.message, "href": f"#paper-{item.code}"} for item in self.missing]

    @property
    def on_paper(self) -> tuple[Needed, ...]:
        """What is to be handed in on paper."""
        return () if self.must else tuple(item.needed for item in self.items if not _extra(item))

    @property
    def shown(self) -> tuple[Item, ...]:
        """What the list shows: once lodged, only what was uploaded."""
        return tuple(item for item in self.items if item.files) if self.closed else self.items

    @property
    def closed(self) -> bool:
        """Whether nothing can be changed any more: what was lodged is only shown."""
        return not any(item.open for item in self.items)


def _extra(item: Item) -> bool:
    return item.code == materials.OTHER and not item.files


def part_of(
    application: Application,
    about: Circumstances,
    *,
    digest: str = "",
    only: Collection[str] | None = None,
) -> Part:
    """The papers of this application with what has been uploaded.

    `digest` is that of the form as it stands now; a signed form of another one is out of date. `only` are
    the codes that a correction opens.
    """
    agency = about.agency
    uploads = takes_uploads(agency)
    rows = list(rows_of(application)) if uploads else []
    items = [
        _item(application, one, rows, digest=digest, only=only)
        for one in _with_others(application, needed_by(application, about), uploads, only or ())
    ]
    return Part(
        application=application, agency=agency, items=tuple(items), uploads=uploads, must=must_upload(agency)
    )


_ASKED_FOR: Final = _("初审机构要求补正的")
_NOT_NEEDED: Final = _("现在的申请不需要")


def _with_others(
    application: Application, papers: tuple[Needed, ...], uploads: bool, opened: Collection[str]
) -> list[Needed]:
    """The needed papers, then what was uploaded or is asked for besides, and room for anything else."""
    known = [paper.code for paper in papers]
    if not uploads:
        return list(papers)
    beside = {code for code, ids in listed(application).items() if ids} | set(opened)
    more = sorted(beside - {*known, materials.OTHER})
    return [
        *papers,
        *(Needed(code, _ASKED_FOR if code in opened else _NOT_NEEDED) for code in more),
        Needed(materials.OTHER, _("需要补充说明的")),
    ]


def _item(
    application: Application,
    paper: Needed,
    rows: list[Paper],
    *,
    digest: str,
    only: Collection[str] | None,
) -> Item:
    ids = listed(application).get(paper.code, [])
    mine = [row for row in rows if row.code == paper.code]
    files = sorted((row for row in mine if str(row.pk) in ids), key=lambda row: ids.index(str(row.pk)))
    outdated = paper.code == materials.FORM and bool(digest) and any(f.form_digest != digest for f in files)
    return Item(
        needed=paper,
        files=tuple(files),
        removed=tuple(row for row in mine if str(row.pk) not in ids),
        open=only is None or paper.code in only,
        outdated=outdated,
    )


def missing(
    application: Application, about: Circumstances, *, digest: str, only: Collection[str] | None = None
) -> tuple[Item, ...]:
    """The papers that keep this application from being lodged, or, of those in `only`, lodged again."""
    if not must_upload(about.agency):
        return ()
    found = part_of(application, about, digest=digest, only=only).missing
    return tuple(item for item in found if item.open)


# --- Clearing away: the clerk ----------------------------------------------------------------------


def clear_loose(*, touched_since: datetime) -> int:
    """Delete what was uploaded and then given up: of discarded drafts, and taken out before lodging.

    Out of a draft that somebody is working on nothing is deleted. What any version of a dossier names stays.
    Answers how many papers went.
    """
    gone = _delete(Paper.objects.filter(application__status=Application.Status.DISCARDED)) + _clear_drafts()
    lodged = Application.objects.filter(
        Q(lodged_at__gte=touched_since) | Q(saved_at__gte=touched_since),
        status=Application.Status.LODGED,
        papers__isnull=False,
    ).distinct()
    return gone + sum(_clear_lodged(application) for application in lodged)


def _clear_drafts() -> int:
    """Delete what was taken out of drafts, uploaded a week ago and of a draft at rest since yesterday."""
    now = clock.now()
    idle = Application.objects.filter(
        status=Application.Status.DRAFT, saved_at__lt=now - A_DAY, papers__created_at__lt=now - PUT_BACK
    )
    return sum(_clear_draft(idle, key) for key in set(idle.values_list("pk", flat=True)))


def _clear_draft(idle: QuerySet[Application], key: UUID) -> int:
    with transaction.atomic():
        draft = Application.objects.select_for_update().filter(pk=key).first()
        if draft is None or not idle.filter(pk=key).exists():
            return 0
        named = {one for ids in listed(draft).values() for one in ids}
        old = draft.papers.filter(created_at__lt=clock.now() - PUT_BACK)
        return _delete(old.exclude(pk__in=named))


def _clear_lodged(application: Application) -> int:
    now = {key for ids in listed(application).values() for key in ids}
    # Looked up before the state: what is uploaded after that is not among them.
    loose = list(application.papers.exclude(pk__in=now).values_list("pk", flat=True))
    entry = DocketEntry.objects.select_related("agency").filter(case_id=application.pk).first()
    # While a correction is open its author may still put back what was taken out.
    if entry is None or entry.state == State.CORRECTION or not loose:
        return 0
    with crossing.inside(entry.agency):
        contents = list(
            Dossier.objects.filter(case_id=entry.case_id).values_list("content__papers", flat=True)
        )
    lodged = {line["id"] for lines in contents for line in lines or ()}
    return _delete(Paper.objects.filter(pk__in=loose).exclude(pk__in=lodged))


def _delete(papers: QuerySet[Paper]) -> int:
    ids: list[UUID] = list(papers.values_list("pk", flat=True))
    PaperPage.objects.filter(paper_id__in=ids).delete()
    # Only the keys: deleting would otherwise read every file into memory first.
    Paper.objects.filter(pk__in=ids).only("pk").delete()
    return len(ids)
