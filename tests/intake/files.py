"""Files by name, good and bad, as applicants and attackers send them; each is made anew in memory."""

from __future__ import annotations

import csv
import struct
import zlib
from collections.abc import Callable
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import Any, Final

import pikepdf
from pikepdf import Array, Dictionary, Name, String
from PIL import Image, ImageCms, ImageDraw

from tests.intake.desk import portrait

# What is refused, and with which words.
BAD: Final = Path(__file__).parent.parent / "data" / "bad_files.csv"
KB: Final = 1024
MB: Final = 1024 * KB
Builder = Callable[[], bytes]


# --- Pictures --------------------------------------------------------------------------------------


def saved(image: Image.Image, format: str = "JPEG", **how: Any) -> bytes:
    out = BytesIO()
    image.save(out, format, **how)
    return out.getvalue()


def head(width: int = 590, height: int = 826) -> Image.Image:
    """The portrait as a picture to be saved in other ways."""
    return Image.open(BytesIO(portrait(width, height)))


@lru_cache
def scan(width: int = 1240, height: int = 1754, words: str = "sample contract") -> Image.Image:
    """A sheet of paper with lines of writing."""
    image = Image.new("RGB", (width, height), "white")
    drawn = ImageDraw.Draw(image)
    for line in range(60, height - 60, 40):
        drawn.text((80, line), f"{words} {line} " * 4, fill="black", font_size=24)
    return Image.blend(image, Image.effect_noise((width, height), 40).convert("RGB"), 0.05)


def turned(orientation: int) -> bytes:
    """A portrait lying as the camera was held, with a note how to turn it (EXIF orientation)."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010F] = "Sample Telephone"
    lying = {3: 180, 6: 90, 8: 270}[orientation]
    return saved(head().rotate(lying, expand=True), quality=95, exif=exif)


def padded(data: bytes, size: int = 40 * KB) -> bytes:
    """The file with zeros behind it, so that it is not refused for being small."""
    return data + b"\0" * max(0, size - len(data))


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_bomb(width: int, height: int) -> bytes:
    """A PNG of one colour: some kilobytes that unfold into a picture of any size."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    packer = zlib.compressobj(9)
    row = b"\0" * (width + 1)
    body = b"".join(packer.compress(row) for _ in range(min(height, 2_000))) + packer.flush()
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def scan_bomb() -> bytes:
    """A progressive JPEG that goes over the same picture three thousand times."""
    whole = saved(head(), quality=95, progressive=True)
    at = whole.rindex(b"\xff\xda")
    last, end = whole[at:-2], whole[-2:]
    return whole[:at] + last[:200] * 3_000 + end


def two_in_one() -> bytes:
    """A picture with a second one behind it, as telephones save them (MPO)."""
    return saved(head(), "MPO", save_all=True, append_images=[head(295, 413)], quality=95)


def moving_png() -> bytes:
    frames = [head(), head().rotate(3, fillcolor="white")]
    return saved(frames[0], "PNG", save_all=True, append_images=frames[1:], duration=200)


def seen_through() -> bytes:
    """A portrait cut out, on nothing."""
    image = head().convert("RGBA")
    clear = Image.new("L", image.size, 0)
    ImageDraw.Draw(clear).ellipse((100, 100, 490, 800), fill=255)
    image.putalpha(clear)
    return saved(image, "PNG")


def grey_16() -> bytes:
    return saved(head().convert("L").convert("I").point(lambda value: value * 257).convert("I;16"), "PNG")


def in_other_colours() -> bytes:
    """A JPEG whose own profile says that red is blue and blue is red: it has to be believed."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    profile = profile.replace(b"rXYZ", b"____", 1).replace(b"bXYZ", b"rXYZ", 1).replace(b"____", b"bXYZ", 1)
    return saved(Image.open(BytesIO(portrait(ground="#ff0000"))), quality=95, icc_profile=profile)


# --- PDF files -------------------------------------------------------------------------------------


def pdf(pages: int = 1, **how: Any) -> bytes:
    first, *rest = [scan(words=f"page {n}") for n in range(1, pages + 1)]
    return saved(first, "PDF", save_all=True, append_images=rest, resolution=150, quality=40, **how)


def changed(change: Callable[[pikepdf.Pdf], None], *, pages: int = 1, **how: Any) -> bytes:
    """A PDF to which something has been done."""
    with pikepdf.open(BytesIO(pdf(pages))) as document:
        change(document)
        out = BytesIO()
        document.save(out, **how)
    return out.getvalue()


SCRIPT: Final = Dictionary(S=Name.JavaScript, JS=String("app.alert('EVIL');"))


def _act(document: pikepdf.Pdf) -> None:
    """Everything in a PDF that acts, or leads elsewhere."""
    root, page = document.Root, document.pages[0]
    root.OpenAction = document.make_indirect(SCRIPT)
    root.AA = Dictionary(WC=Dictionary(S=Name.Launch, F=String("evil.exe")))
    root.Names = Dictionary(JavaScript=Dictionary(Names=Array([String("a"), SCRIPT])))
    root.URI = Dictionary(Base=String("http://evil.example/"))
    page.obj.AA = Dictionary(O=Dictionary(S=Name.URI, URI=String("http://evil.example/")))
    link = Dictionary(
        Type=Name.Annot, Subtype=Name.Link, Rect=Array([0, 0, 500, 500]),
        A=Dictionary(S=Name.SubmitForm, F=String("http://evil.example/")),
    )  # fmt: skip
    page.obj.Annots = Array([document.make_indirect(link)])


def _attach(document: pikepdf.Pdf) -> None:
    document.attachments["evil.exe"] = b"MZ EVIL"


def _form(document: pikepdf.Pdf) -> None:
    """A form with a field that shows what was typed, and an XFA part."""
    page = document.pages[0]
    field = document.make_indirect(
        Dictionary(
            Type=Name.Annot, Subtype=Name.Widget, FT=Name.Tx, T=String("name"), V=String("EVIL TYPED"),
            Rect=Array([50, 50, 300, 90]), DA=String("/Helv 24 Tf 0 g"),
        )
    )  # fmt: skip
    font = Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Helvetica)
    page.obj.Annots = Array([field])
    document.Root.AcroForm = Dictionary(
        Fields=Array([field]), DR=Dictionary(Font=Dictionary(Helv=font)), NeedAppearances=True,
        XFA=document.make_stream(b"<xdp:xdp EVIL/>"),
    )  # fmt: skip


def _elsewhere(document: pikepdf.Pdf) -> None:
    """A picture whose data stand in another file."""
    stream = document.make_stream(b"0", Type=Name.XObject, Subtype=Name.Image, Width=1, Height=1)
    stream.ColorSpace, stream.BitsPerComponent = Name.DeviceGray, 8
    stream.F = Dictionary(Type=Name.Filespec, F=String("/etc/passwd"))
    document.pages[0].Resources.XObject["/Im9"] = stream


def _page_of(width: float, height: float) -> Callable[[pikepdf.Pdf], None]:
    def change(document: pikepdf.Pdf) -> None:
        document.pages[0].MediaBox = Array([0, 0, width, height])

    return change


def _draw(content: bytes, *, resources: Dictionary | None = None) -> Callable[[pikepdf.Pdf], None]:
    def change(document: pikepdf.Pdf) -> None:
        document.pages[0].Contents = document.make_stream(content)
        if resources is not None:
            document.pages[0].Resources = resources

    return change


def flate_bomb() -> bytes:
    """Half a megabyte of content that unfolds into twenty million strokes."""
    packer = zlib.compressobj(9)
    block = b"0 0 m 9 9 l S " * 65_536
    packed = b"".join(packer.compress(block) for _ in range(300)) + packer.flush()

    def change(document: pikepdf.Pdf) -> None:
        page = document.pages[0]
        page.Contents = document.make_stream(b"")
        page.Contents.write(packed, filter=Name.FlateDecode)

    return changed(change)


def billion_laughs() -> bytes:
    """Drawings that draw drawings, ten deep and ten wide."""

    def change(document: pikepdf.Pdf) -> None:
        inner: Any = document.make_stream(b"0 0 500 500 re f")
        inner.Type, inner.Subtype, inner.BBox = Name.XObject, Name.Form, Array([0, 0, 500, 500])
        for _ in range(9):
            outer: Any = document.make_stream(b"/X Do " * 10)
            outer.Type, outer.Subtype, outer.BBox = Name.XObject, Name.Form, Array([0, 0, 500, 500])
            outer.Resources = Dictionary(XObject=Dictionary(X=inner))
            inner = outer
        page = document.pages[0]
        page.Resources = Dictionary(XObject=Dictionary(X=inner))
        page.Contents = document.make_stream(b"/X Do " * 10)

    return changed(change)


def no_pages() -> bytes:
    out = BytesIO()
    pikepdf.new().save(out)
    return out.getvalue()


def spoilt_table() -> bytes:
    """A PDF whose table of contents leads nowhere, as some scanners write them; everything is there."""
    whole = pdf()
    at = whole.rindex(b"startxref")
    return whole[:at] + b"startxref\n7\n%%EOF\n"


def zipped(name: str = "word/document.xml") -> bytes:
    import zipfile

    out = BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(name, b"<w:document/>" * 4_000)
    return out.getvalue()


def box(brand: bytes) -> bytes:
    """A file of the ISO media family, as telephones and browsers write pictures."""
    return padded(struct.pack(">I", 24) + b"ftyp" + brand + b"\0\0\0\0" + brand + b"mif1")


HTML: Final = b"<!doctype html><script>alert(1)</script>"
SVG: Final = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"

FILES: Final[dict[str, Builder]] = {
    # what is no picture and no PDF
    "empty": lambda: b"",
    "one_byte": lambda: b"\xff",
    "text": lambda: "这是一段文字。".encode() * 3_000,
    "html": lambda: HTML + b" " * 40 * KB,
    "svg": lambda: SVG + b" " * 40 * KB,
    "svg_packed": lambda: padded(zlib.compress(SVG * 4_000)),
    "gif": lambda: padded(saved(head(), "GIF")),
    "webp": lambda: saved(head(), "WEBP", quality=95),
    "bmp": lambda: saved(head(), "BMP"),
    "tiff": lambda: saved(head(), "TIFF"),
    "heic": lambda: box(b"heic"),
    "avif": lambda: box(b"avif"),
    "mp4": lambda: box(b"isom"),
    "docx": zipped,
    "program": lambda: padded(b"MZ\x90\0"),
    "jpeg_head_only": lambda: padded(b"\xff\xd8\xff\xe0"),
    "png_head_only": lambda: padded(b"\x89PNG\r\n\x1a\n"),
    # portraits that are refused
    "cut_jpeg": lambda: portrait()[: len(portrait()) // 2],
    "cut_png": lambda: portrait(format="PNG")[:-5_000],
    "spoilt_png": lambda: portrait(format="PNG")[:100] + b"\xff" * 30_000 + b"IEND",
    "bomb_of_pixels": lambda: padded(png_bomb(60_000, 60_000)),
    "bomb_of_36_million": lambda: padded(saved(Image.new("1", (6_000, 6_000)), "PNG")),
    "bomb_of_scans": scan_bomb,
    "too_heavy": lambda: portrait() + b"\0" * (2 * MB),
    "too_light": lambda: saved(Image.new("RGB", (295, 413), "white"), quality=50),
    "too_small": lambda: portrait(250, 350, quality=100),
    "square": lambda: portrait(600, 600),
    "landscape": lambda: portrait(826, 590),
    "strip": lambda: portrait(300, 1_500),
    "nobody": lambda: padded(saved(Image.new("RGB", (590, 826), "white"), quality=95)),
    # portraits that are taken
    "portrait": portrait,
    "portrait_exact": lambda: portrait(295, 413, quality=100),
    "portrait_png": lambda: portrait(format="PNG"),
    "portrait_on_blue": lambda: portrait(ground="#2266cc"),
    "portrait_3_to_4": lambda: portrait(900, 1_200),
    "portrait_2_to_3": lambda: portrait(800, 1_200),
    "portrait_turned_3": lambda: turned(3),
    "portrait_turned_6": lambda: turned(6),
    "portrait_turned_8": lambda: turned(8),
    "portrait_progressive": lambda: saved(head(), quality=95, progressive=True),
    "portrait_cmyk": lambda: saved(head().convert("CMYK"), quality=95),
    "portrait_grey": lambda: saved(head().convert("L"), quality=95),
    "portrait_grey_16": grey_16,
    "portrait_palette": lambda: saved(head().convert("P", palette=Image.Palette.ADAPTIVE), "PNG"),
    "portrait_clear": seen_through,
    "portrait_in_other_colours": in_other_colours,
    "portrait_two_in_one": two_in_one,
    "portrait_moving": moving_png,
    "portrait_and_html": lambda: portrait() + HTML,
    "portrait_and_zip": lambda: portrait() + zipped(),
    "portrait_and_pdf": lambda: portrait() + pdf(),
    # papers that are refused
    "too_large": lambda: b"%PDF-1.7" + b"\0" * (5 * MB),
    "blank_photo": lambda: padded(saved(Image.new("RGB", (1_240, 1_754), "#808080"))),
    "tiny_scan": lambda: saved(scan(240, 340)),
    "pdf_head_only": lambda: b"%PDF-1.7\n",
    "pdf_cut": lambda: pdf(3)[:60_000],
    "pdf_garbage": lambda: b"%PDF-1.7\n" + b"\xde\xad\xbe\xef" * 5_000 + b"\n%%EOF",
    "pdf_after_html": lambda: HTML + pdf(),
    "pdf_locked": lambda: changed(lambda _: None, encryption=pikepdf.Encryption(owner="o", user="u")),
    "pdf_21_pages": lambda: pdf(21),
    "pdf_no_pages": no_pages,
    "pdf_huge_page": lambda: changed(_page_of(2_000_000, 2_000_000)),
    "pdf_thread": lambda: changed(_page_of(14_000, 40)),
    "pdf_no_width": lambda: changed(_page_of(0, 800)),
    "pdf_flate_bomb": flate_bomb,
    "pdf_billion_laughs": billion_laughs,
    # papers that are taken
    "scan": lambda: saved(scan()),
    "scan_png": lambda: saved(scan(), "PNG"),
    "scan_of_camera": lambda: saved(scan(4_000, 6_000), quality=80),
    "pdf": pdf,
    "pdf_20_pages": lambda: pdf(20),
    "pdf_spoilt_table": spoilt_table,
    "pdf_acting": lambda: changed(_act),
    "pdf_attached": lambda: changed(_attach),
    "pdf_form": lambda: changed(_form),
    "pdf_elsewhere": lambda: changed(_elsewhere),
    "pdf_owner_locked": lambda: changed(lambda _: None, encryption=pikepdf.Encryption(owner="o", user="")),
    "pdf_turned": lambda: changed(lambda document: document.pages[0].rotate(90, relative=False)),
    "pdf_large_sheet": lambda: changed(_page_of(2_384, 3_370)),
    "pdf_and_zip": lambda: pdf() + zipped(),
}


def refused(where: str) -> list[tuple[str, str, str]]:
    """Which files are refused as a `photo` or a `paper`: name, code and the whole sentence."""
    with BAD.open(encoding="utf-8", newline="") as table:
        return [(r["file"], r["code"], r["message"]) for r in csv.DictReader(table) if r["as"] == where]
