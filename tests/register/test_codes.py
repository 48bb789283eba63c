from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from django.utils import translation

from register import codes, memory
from register.models import Code, DocumentType, Kind, Sex
from register.policy import SEED

pytestmark = pytest.mark.django_db

COUNTS = {
    "category": 12,
    "change_item": 3,
    "channel": 3,
    "degree": 5,
    "delivery": 3,
    "document_type": 9,
    "education": 12,
    "education_class": 2,
    "education_type": 4,
    "employer_attribute": 14,
    "end": 4,
    "industry": 20,
    "kind": 4,
    "level": 3,
    "ownership": 12,
    "paper": 14,
    "province": 32,
    "reason": 20,
    "safety_work": 9,
    "sex": 4,
    "study_mode": 6,
    "title": 6,
}


def test_every_list_is_there_with_labels_in_both_languages() -> None:
    stored = {name: len(codes.entries(name)) for name in Code.objects.values_list("list", flat=True)}
    assert stored == COUNTS
    assert not Code.objects.filter(label_en="").exists()


def test_labels_follow_the_reader() -> None:
    assert codes.label("education", "21") == "大学本科"
    with translation.override("en"):
        assert codes.label("education", "21") == "Bachelor programme"
        assert codes.choices("delivery")[0] == ("1", "Collect from the first-review agency")
    assert codes.in_both("sex", "1") == ("男", "Male")


def test_a_code_nobody_knows_shows_itself() -> None:
    assert codes.label("education", "77") == "77"


def test_an_entry_out_of_date_keeps_its_label_and_cannot_be_chosen() -> None:
    Code.objects.filter(list="title", code="5").update(valid_to=date(2026, 6, 30))
    memory.forget_all()
    assert codes.label("title", "5") == "员级"
    assert codes.holds("title", "5", date(2026, 6, 30))
    assert not codes.holds("title", "5", date(2026, 7, 1))
    assert "5" not in dict(codes.choices("title", date(2026, 7, 1)))


def test_the_policy_chooses_the_categories() -> None:
    assert [entry.code for entry in codes.categories(SEED)] == ["A1", "A2", "A3", "A4", "A5"]
    seven = replace(SEED, categories="seven")
    assert [entry.code for entry in codes.categories(seven)] == [f"B{n}" for n in range(1, 8)]


@pytest.mark.parametrize(
    ("chosen", "examined", "agrees"),
    [
        ("B3", "", True),
        ("B3", "B3", True),
        ("B3", "B5", False),
        ("A4", "B3", True),
        ("B3", "A4", True),
        ("A5", "B6", True),
        ("A5", "B5", False),
        ("A1", "A2", False),
    ],
)
def test_a_category_fits_the_one_examined(chosen: str, examined: str, agrees: bool) -> None:
    assert codes.category_agrees(chosen, examined) is agrees


def test_reasons_of_return_and_of_refusal() -> None:
    assert [entry.code for entry in codes.return_reasons()] == [f"R{n:02d}" for n in range(1, 13)]
    assert [entry.code for entry in codes.refusal_reasons()] == ["R10", *(f"N{n:02d}" for n in range(1, 9))]


@pytest.mark.parametrize(("name", "choices"), [("document_type", DocumentType), ("sex", Sex), ("kind", Kind)])
def test_lists_agree_with_the_choices_of_the_models(name: str, choices: type[DocumentType]) -> None:
    assert codes.choices(name) == [(each.value, str(each.label)) for each in choices]
