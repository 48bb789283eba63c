from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.template.loader import get_template

from notifications import links, outbox
from notifications.catalogue import KINDS
from notifications.wording import template_name, wording

FOLDER = Path(settings.BASE_DIR) / "templates" / "notices"

SAMPLES: dict[str, Any] = {
    "kind": outbox.both("初始注册", "Initial registration"),
    "agency": outbox.both("北京市应急管理局", "Beijing Emergency Management Bureau"),
    "from_agency": outbox.both("甲机构", "Agency A"),
    "to_agency": outbox.both("乙机构", "Agency B"),
    "clock": outbox.both("初审期限", "First review"),
    "category": outbox.both("煤矿安全", "Coal mine safety"),
    "items": [outbox.both("照片不符合要求", "Photo unsuitable"), "2"],
    "at": "2026-11-23T02:02:00+00:00",
    **dict.fromkeys(("due", "on", "since", "valid_from", "valid_to", "close_on"), "2026-12-01"),
    **dict.fromkeys(("days", "months", "years", "count", "hours", "missing", "edition"), 7),
    **dict.fromkeys(("reference", "number", "batch", "delivery", "reason", "step", "by"), "R-1"),
    **dict.fromkeys(("person", "link", "desk", "username"), "R-1"),
    "minutes": 30,
    "code": "000000",
    "what": outbox.both("更正姓名", "Correction of the name"),
    "ground": outbox.both("隐瞒情况或者提供虚假材料", "False material"),
    **dict.fromkeys(("before", "after"), "R-1"),
    "until": "2026-12-01",
    **dict.fromkeys(("near", "week", "over"), 7),
    "limit": outbox.both("法定期限", "statutory time limit"),
    "stage": outbox.both("初审", "first review"),
    "oldest": "2026-12-01",
}


def sample(kind: str) -> dict[str, Any]:
    return {name: SAMPLES[name] for name in (*KINDS[kind].fields, *KINDS[kind].made)}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_reads_as_plain_text_in_both_languages(kind: str) -> None:
    text = wording(kind, sample(kind))
    whole = "\n".join((text.title_zh, text.body_zh, text.title_en, text.body_en))
    assert text.title_zh == str(KINDS[kind].label)
    assert text.body_zh
    assert text.body_en
    assert not re.search(r"[{}]|&\w+;|None|\d{4}-\d\d", whole)
    assert not re.search(r"[一-鿿]", text.title_en + text.body_en)
    # The columns of a notice.
    assert len(text.title_zh) <= 100
    assert len(text.title_en) <= 200


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_text_uses_exactly_the_values_its_kind_declares(kind: str, language: str) -> None:
    source = get_template(template_name(KINDS[kind], language)).template.source  # type: ignore[attr-defined]
    # The text of a letter is made of what is made for it.
    declared = KINDS[kind].made or KINDS[kind].fields
    assert set(re.findall(r"\{\{ (\w+)(?:\|lower)? \}\}", source)) == set(declared)


@pytest.mark.parametrize("kind", KINDS)
def test_a_letter_has_no_text_for_the_board_and_a_notice_none_for_a_letter(kind: str) -> None:
    names = {file.name for file in (FOLDER / kind).iterdir()}
    manner = "letter" if KINDS[kind].is_letter else "board"
    assert names == {f"{manner}.zh.txt", f"{manner}.en.txt"}


def test_every_letter_knows_how_its_values_are_made() -> None:
    assert set(links.MADE) == {kind.code for kind in KINDS.values() if kind.made}


def test_every_folder_of_texts_has_its_kind() -> None:
    assert {folder.name for folder in FOLDER.iterdir() if folder.is_dir()} == set(KINDS)


def test_dates_times_lists_and_labels_are_worded_by_language() -> None:
    data = {**SAMPLES, "due": outbox.day(dt.date(2027, 2, 11), provisional=True), "reference": "ZC1"}
    submitted = wording("submitted", data)
    assert submitted.body_zh == (
        "您的初始注册申请（ZC1）已于2026年11月23日 10:02上报至北京市应急管理局，等待受理。"
        "受理期限至2027年2月11日（暂定）。"
    )
    assert "on 23 November 2026, 10:02" in submitted.body_en
    assert "by 11 February 2027 (provisional)" in submitted.body_en
    correction = wording("correction", {"count": 2, "items": SAMPLES["items"], "due": "2026-12-01"})
    assert correction.body_zh == (
        "您的申请需要补正，共2项：照片不符合要求；2。请于2026年12月1日前修改并重新上报，逾期申请将终止。"
    )


def test_markup_in_a_value_stays_text() -> None:
    text = wording("photo_rejected", {"reason": "<b>{{ x }}</b> & more"})
    assert text.body_zh == "照片不符合要求：<b>{{ x }}</b> & more。"


def test_an_empty_value_is_a_dash() -> None:
    assert wording("photo_rejected", {"reason": ""}).body_zh == "照片不符合要求：—。"
