"""Agencies found as people write them: by name, short name, pinyin, initials, English name, code."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from pytest_django import DjangoAssertNumQueries

from tenants import directory
from tenants.models import Agency
from tenants.provisioning import read_agencies

# The whole list, though tests open three agencies only.
ALL = [
    Agency(code=row.code, kind=row.kind, name_zh=row.name_zh, name_en=row.name_en, number=number)
    for number, row in enumerate(read_agencies(), 1)
]
MINE_SAFETY = Agency(
    code="ksshanxi",
    kind=Agency.Kind.PROVINCIAL,
    name_zh="国家矿山安全监察局山西局（原山西煤矿安全监察局）",
    name_en="National Mine Safety Administration Shanxi Bureau",
    number=900,
)


def codes(query: str) -> list[str]:
    return [agency.code for agency in directory.find(query, ALL)]


@pytest.mark.parametrize(
    ("query", "first"),
    [
        # by name, whole or in part
        ("北京", "beijing"),
        ("北京市应急管理局", "beijing"),
        ("国家电网", "sgcc"),
        ("三峡", "ctg"),
        ("兵团", "bingtuan"),
        # by a short name
        ("中石化", "sinopec"),
        ("中国石化", "sinopec"),
        ("中石油", "cnpc"),
        ("中海油", "cnooc"),
        ("南网", "csg"),
        ("住建部", "mohurd"),
        ("交通部", "mot"),
        ("工信部", "miit"),
        ("北京应急局", "beijing"),
        # by pinyin
        ("beijing", "beijing"),
        ("zhongguoshihua", "sinopec"),
        ("zhongguoshiyouhuagong", "sinopec"),
        ("shihua", "sinopec"),
        ("lvye", "chinalco"),
        ("lüye", "chinalco"),
        # by initials
        ("bj", "beijing"),
        ("sh", "shanghai"),
        ("zgsh", "sinopec"),
        ("zgsy", "cnpc"),
        ("gjdw", "sgcc"),
        ("yjglb", "mem"),
        # characters of several readings
        ("chongqing", "chongqing"),
        ("cq", "chongqing"),
        ("changjiang", "ctg"),
        ("changan", "changan"),
        ("zhongche", "crrc"),
        ("yizhong", "cfhi"),
        ("xizang", "xizang"),
        ("nanshuibeidiao", "nsbd"),
        ("shaanxi", "shaanxi"),
        # case, width and blanks do not count
        ("BeiJing", "beijing"),
        ("bei jing", "beijing"),
        ("ＢＪ", "beijing"),
        ("  北 京  ", "beijing"),
        ("北京yj", "beijing"),
        # in English, by code, and word by word
        ("sinopec", "sinopec"),
        ("Petrochemical", "sinopec"),
        ("state grid", "sgcc"),
        ("housing", "mohurd"),
        ("应急 北京", "beijing"),
        ("emergency beijing", "beijing"),
    ],
)
def test_the_agency_meant_stands_first(query: str, first: str) -> None:
    assert codes(query)[:1] == [first]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("beijing", {"beijing"}),
        ("bj", {"beijing"}),
        ("重庆", {"chongqing"}),
        ("zhongqing", set()),
        ("shanxi", {"shanxi", "shaanxi"}),
        ("国家电网", {"sgcc"}),
        ("中海油", {"cnooc"}),
        ("火星", set()),
        ("huoxing", set()),
    ],
)
def test_nothing_else_is_found(query: str, found: set[str]) -> None:
    assert set(codes(query)) == found


@pytest.mark.parametrize(
    "query", ["%", "_", "\\", "'", '"', "';--", "%%北京%", "\0", "<script>", "\u202e", "xyz", "x" * 10_000]
)
def test_signs_that_mean_something_elsewhere_mean_nothing_here(query: str) -> None:
    assert codes(query) == (["beijing"] if "北京" in query else [])


def test_nothing_typed_finds_all_in_their_order() -> None:
    assert codes("") == codes("   ") == [agency.code for agency in ALL]


def test_an_abbreviation_gives_way_to_names_that_contain_it() -> None:
    assert codes("能源")[0] == "nea"
    assert "cnooc" not in codes("石油化工")


def test_an_agency_opened_later_is_found_like_the_others() -> None:
    everybody = [*ALL, MINE_SAFETY]
    assert directory.find("山西煤矿", everybody) == [MINE_SAFETY]
    assert directory.find("shanxi", everybody)[-1] == MINE_SAFETY


def test_a_renamed_agency_is_found_by_its_new_name() -> None:
    agency = Agency(code="demo1", kind=Agency.Kind.MINISTRY, name_zh="长白重工", name_en="", number=901)
    assert directory.find("changbai", [agency]) == [agency]
    agency.name_zh = "乐山重工"
    assert directory.find("changbai", [agency]) == []
    assert directory.find("leshanzhonggong", [agency]) == [agency]


def test_the_readings_of_the_list_are_those_of_the_library() -> None:
    names = [directory.squeezed(agency.name_zh) for agency in ALL]
    assert [directory.signs_of(name) for name in names] == [directory.read(name) for name in names]


def test_only_a_name_that_is_not_in_the_list_loads_the_library() -> None:
    search = """
import sys, django
django.setup()
from tenants.directory import find
from tenants.models import Agency
find("bj", [Agency(code="beijing", name_zh="北京市应急管理局")])
assert "pypinyin" not in sys.modules
assert find("changbai", [Agency(code="demo", name_zh="长白重工")])
assert "pypinyin" in sys.modules
"""
    env = {**os.environ, "DJANGO_SETTINGS_MODULE": "portal.settings"}
    subprocess.run([sys.executable, "-c", search], check=True, env=env)


@pytest.mark.django_db
def test_the_list_takes_one_query_and_leaves_the_authority_out(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    with django_assert_num_queries(1):
        found = directory.find("bj", directory.first_review())
    assert [agency.code for agency in found] == ["beijing"]
    assert Agency.Kind.AUTHORITY not in {agency.kind for agency in directory.first_review()}
