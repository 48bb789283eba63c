from __future__ import annotations

from pathlib import Path

import pytest
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from review.models import Case
from tenants import provisioning
from tenants.crossing import Desk, inside, standing
from tenants.management.commands import open_agency as open_agency_command
from tenants.models import Agency, Domain, check_code
from tenants.provisioning import (
    AgencyRow,
    ReplayError,
    open_agencies,
    open_agency,
    open_authority,
    read_agencies,
    schema_signature,
)
from tenants.walls.apply import apply_walls
from tenants.walls.catalogue import odd_ones, seeds
from tenants.walls.roles import ensure_roles
from tenants.walls.upkeep import wall_faults

pytestmark = pytest.mark.django_db

PAIR = [AgencyRow(code=code, kind="ministry", name_zh="示例部") for code in ("firstone", "nextone")]


def test_a_replayed_schema_is_a_migrated_schema(beijing: Agency) -> None:
    migrated, replayed = open_agencies(PAIR)
    alone = open_agency(code="alone", kind="ministry", name_zh="示例部")
    assert len({schema_signature(agency) for agency in (migrated, replayed, alone, beijing)}) == 1
    assert odd_ones(["beijing", "mohurd", "firstone", "nextone", "alone"]) == {}
    assert seeds("firstone") == seeds("nextone")
    with standing(Desk.OWNER), inside(replayed):
        assert Case.objects.count() == 0
        known = set(MigrationRecorder(connection).applied_migrations())
    with standing(Desk.OWNER):
        assert known == set(MigrationRecorder(connection).applied_migrations())
    assert wall_faults() == []


def test_the_signature_tells_schemas_apart(beijing: Agency, mohurd: Agency) -> None:
    with connection.cursor() as cursor:
        cursor.execute('CREATE INDEX more ON "beijing".review_case (kind)')
    assert schema_signature(beijing) != schema_signature(mohurd)
    assert odd_ones(["beijing", "mohurd", "sinopec"]) == {
        "beijing": ["beijing: index CREATE INDEX more ON *.review_case USING btree (kind) should not be"]
    }


def test_a_schema_that_came_out_different_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:

    def careless(schemas: list[str]) -> None:
        apply_walls(schemas)
        if schemas == ["nextone"]:
            with connection.cursor() as cursor:
                cursor.execute('ALTER TABLE "nextone".review_case DROP COLUMN late')

    monkeypatch.setattr(provisioning, "apply_walls", careless)
    with pytest.raises(ReplayError, match="nextone: column review_case"):
        open_agencies(PAIR)
    assert set(Agency.objects.filter(code__in=["firstone", "nextone"]).values_list("code", flat=True)) == {
        "firstone"
    }


def test_opening_is_done_once_and_the_number_is_for_good(beijing: Agency) -> None:
    last = max(Agency.objects.values_list("number", flat=True))
    first, second = open_agencies(PAIR)
    assert (first.number, second.number) == (last + 1, last + 2)
    assert open_agencies(PAIR) == []
    assert open_agency(code="firstone", kind="provincial", name_zh="改名") == first
    assert Domain.objects.get(tenant=first).domain == "firstone.localhost"


@pytest.mark.parametrize(
    "code", ["", "a", "1a", "Beijing", "bei-jing", "bei_jing", "x" * 31, "public", "authority", "www"]
)
def test_unfit_codes_open_nothing(code: str) -> None:
    good = AgencyRow(code="goodone", kind="ministry", name_zh="示例部")
    with pytest.raises(ValidationError):
        open_agencies([good, AgencyRow(code=code, kind="ministry", name_zh="示例部")])
    assert not Agency.objects.filter(code="goodone").exists()


@pytest.mark.parametrize("schema", ["mohurd", 'x"; DROP SCHEMA beijing; --'])
def test_a_row_that_names_another_schema_makes_none(beijing: Agency, schema: str) -> None:
    """A row is written at other desks; the owner, who may do everything, does not believe it."""
    beijing.schema_name = schema
    with pytest.raises(ValueError, match="cannot have the schema"):
        provisioning.complete(beijing)
    beijing.code = schema.replace("mohurd", "public")
    with pytest.raises(ValidationError):
        provisioning.complete(beijing)


def test_no_role_is_made_of_what_is_not_a_name() -> None:
    with standing(Desk.OWNER), pytest.raises(ValueError, match="Not the name of a schema"):
        ensure_roles(['x" SUPERUSER; --'])


def test_the_authority_is_the_public_schemas_own_row() -> None:
    authority = open_authority()
    assert (authority.code, authority.schema_name, authority.kind, authority.number) == (
        "authority",
        "public",
        "authority",
        0,
    )
    assert not Domain.objects.filter(tenant=authority).exists()


def test_the_list_of_agencies_is_complete_and_fit() -> None:
    listed = read_agencies()
    kinds = [row.kind for row in listed]
    assert (len(listed), len({row.code for row in listed})) == (151, 151)
    assert (kinds.count("provincial"), kinds.count("ministry"), kinds.count("enterprise")) == (32, 18, 101)
    for row in listed:
        check_code(row.code)


def test_the_command_opens_agencies_of_the_list_new_ones_and_all_of_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, str, str]] = []

    def noted(rows: list[AgencyRow]) -> list[Agency]:
        asked.extend((row.code, row.kind, row.name_zh) for row in rows)
        return []

    monkeypatch.setattr(open_agency_command, "open_agencies", noted)
    file = tmp_path / "agencies.csv"
    file.write_text("code,kind,name_zh,name_en\nfromfile,ministry,示例部,Example\n", encoding="utf-8")
    call_command("open_agency", "shanghai", verbosity=0)
    call_command("open_agency", "newone", kind="enterprise", name_zh="示例集团", verbosity=0)
    call_command("open_agency", all=file, verbosity=0)
    assert asked == [
        ("shanghai", "provincial", "上海市应急管理局"),
        ("newone", "enterprise", "示例集团"),
        ("fromfile", "ministry", "示例部"),
    ]


@pytest.mark.parametrize(
    ("codes", "options"),
    [
        (["nowhere"], {}),
        ([], {}),
        (["www"], {"kind": "ministry", "name_zh": "示例部"}),
        (["a1", "b1"], {"kind": "ministry", "name_zh": "示例部"}),
    ],
)
def test_the_command_says_what_it_needs(codes: list[str], options: dict[str, str]) -> None:
    with pytest.raises(CommandError):
        call_command("open_agency", *codes, **options, verbosity=0)
