"""The dossier in words."""

from __future__ import annotations

import pytest
from django.utils.translation import override

from review import checklist, sections
from tests import casefiles
from tests.cast import Cast

pytestmark = pytest.mark.django_db


def lines(shown: list[sections.Section], key: str) -> dict[str, str]:
    section = next(s for s in shown if s.key == key)
    return {str(line.label): line.value for line in section.rows}


def test_codes_and_dates_read_as_words(cast: Cast) -> None:
    shown = sections.sections_of(casefiles.dossier(cast.zhang, cast.beijing))
    assert [s.key for s in shown] == [
        "personal",
        "photo",
        "qualification",
        "registration",
        "employer",
        "experience",
        "papers",
    ]
    personal = lines(shown, "personal")
    assert (personal["姓名"], personal["性别"], personal["证件类型"]) == ("张测", "男", "居民身份证")
    assert lines(shown, "registration") == {"注册类别": "其他安全"}
    assert lines(shown, "employer")["劳动合同起始日期"] == "2024年1月1日"
    experience = next(s for s in shown if s.key == "experience").table
    assert experience is not None
    assert [value for _label, value in experience.rows[0]][:2] == ["2020年7月", "至今"]


def test_labels_follow_the_readers_language(cast: Cast) -> None:
    with override("en"):
        shown = sections.sections_of(casefiles.dossier(cast.zhang, cast.beijing))
        assert "Other safety" in [line.value for s in shown for line in s.rows]


def test_only_what_changed_is_marked(cast: Cast) -> None:
    before = casefiles.dossier(cast.zhang, cast.beijing)
    after = {**before, "employer": {**before["employer"], "contact": "王示例"}}
    shown = sections.sections_of(after, before)
    assert [s.key for s in shown if s.changed] == ["employer"]
    was = {str(line.label): line.was for s in shown for line in s.rows if line.was}
    assert was == {"联系人": "原：李示例"}


def test_a_change_shows_the_registered_values(cast: Cast) -> None:
    registration = {
        "category": "A1",
        "number": "26001000001",
        "change_items": ["1"],
        "former": {"category": "A5", "employer_name": "原单位", "employer_code": "91310000MA1ABCDE8U"},
    }
    shown = sections.sections_of(casefiles.dossier(cast.zhang, cast.beijing, registration=registration))
    assert lines(shown, "registration")["原注册类别"] == "其他安全"
    assert lines(shown, "employer")["原聘用单位"] == "原单位"


def test_a_correction_may_name_what_the_applicant_can_edit(cast: Cast) -> None:
    offered = sections.correctable(casefiles.dossier(cast.zhang, cast.beijing))
    items = [item for _group, choices in offered for item, _label in choices]
    there = {
        "employer",
        "employer.name",
        "personal.school",
        "experience",
        "photo",
        "qualification",
        "papers.M03",
    }
    assert there <= set(items)
    assert not {"personal.name", "personal.id_mask", "qualification.exam_year", "education"} & set(items)
    assert len(items) == len(set(items))
    assert {item.partition(".")[0] for item in items} <= set(checklist.LABELS)


@pytest.mark.parametrize(
    ("item", "label"),
    [
        ("employer.name", "聘用单位信息 · 单位名称"),
        ("experience", "工作经历"),
        ("papers.M03", "签字盖章的申请表及材料 · 劳动合同或聘用文件"),
        ("unknown.field", "unknown · field"),
    ],
)
def test_items_are_called_by_their_section_and_field(cast: Cast, item: str, label: str) -> None:
    assert sections.item_label(item) == label


def test_what_only_an_initial_registration_asks_for_is_not_shown_elsewhere(cast: Cast) -> None:
    renewal = casefiles.dossier(cast.zhang, cast.beijing, kind="renewal")
    assert "毕业院校" not in lines(sections.sections_of(renewal), "personal")
    items = [item for _group, choices in sections.correctable(renewal) for item, _label in choices]
    assert ("personal.school" in items, "personal.mobile" in items) == (False, True)
