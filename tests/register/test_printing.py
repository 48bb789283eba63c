from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from pypdf import PdfReader

from register import printing

PAGE = '<html lang="zh-CN"><head><title>题</title>{head}</head><body>{body}</body></html>'


@pytest.fixture
def listener() -> Iterator[tuple[str, list[str]]]:
    """A server on this machine that writes down what is asked of it."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_words: object) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()
    server.server_close()


def test_nothing_is_fetched_from_disk_or_network(listener: tuple[str, list[str]]) -> None:
    address, asked = listener
    nested = f'<svg xmlns="http://www.w3.org/2000/svg"><image href="{address}/nested"/></svg>'
    picture = printing.picture_uri(nested.encode(), "image/svg+xml")
    html = PAGE.format(
        head=f'<link rel="stylesheet" href="{address}/link"><link rel="attachment" href="file:///etc/passwd">'
        f'<style>@import url("{address}/import"); @font-face {{ font-family: f; src: url({address}/font) }}'
        f' body {{ font-family: f; background: url("{address}/background") }}</style>',
        body=f'<img src="{address}/img"><img src="file:///etc/passwd">'
        f'<object data="{address}/object"></object><img src="{picture}">题',
    )
    reader = PdfReader(io.BytesIO(printing.render_pdf(html)))
    assert asked == []
    assert dict(reader.attachments) == {}
    assert "root:" not in "".join(page.extract_text() for page in reader.pages)


def test_a_side_is_added_only_where_the_number_of_pages_is_odd() -> None:
    one = PAGE.format(head="", body="<p>正</p>")
    two = PAGE.format(head="", body="<p>正</p><p style='break-before: page'>反</p>")
    prints = [
        printing.render_pdf(html, back=lambda number: PAGE.format(head="", body=f"<p>背面{number}</p>"))
        for html in (one, two)
    ]
    sides = [[page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages] for pdf in prints]
    assert sides == [["正", "背面2"], ["正", "反"]]


def test_the_layout_says_with_what_each_page_begins() -> None:
    body = (
        "<p id='a'>一</p><p id='b' style='break-before: page'>二</p><p id='c'>三</p>"
        "<p id='d' style='break-before: page; height: 300mm'>四</p>"
    )
    layout = printing.layout_of(PAGE.format(head="", body=body))
    assert layout.openings == ("b", "d")
    assert layout.pages == 3


def test_a_qr_code_is_a_picture_inside_the_page() -> None:
    assert printing.qr_svg("ZC202610001237:3F2A").startswith("data:image/svg+xml")


def test_threads_take_turns() -> None:
    html = PAGE.format(head="", body="<p>注册</p>")
    with ThreadPoolExecutor(4) as pool:
        prints = list(pool.map(printing.render_pdf, [html] * 6))
    assert all(pdf.startswith(b"%PDF") for pdf in prints)
