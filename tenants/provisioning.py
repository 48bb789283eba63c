"""Opens agencies: schema, role, walls, host and row, each agency in one transaction.

The first agency of a batch is opened by the real migrations, and what they say to the database is written
down; the others replay it in their own schemas. The migrations stay the truth: every replayed schema is
compared with the migrated one, structure and seeded rows, before it is committed.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from django.apps import apps
from django.conf import settings
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.db.models import Max
from psycopg import ClientCursor

from tenants import crossing
from tenants.crossing import Desk
from tenants.models import AUTHORITY_CODE, PUBLIC_SCHEMA, Agency, Domain, check_code
from tenants.walls.apply import apply_walls, quoted
from tenants.walls.catalogue import seeds, signatures, unlike
from tenants.walls.check import check_walls
from tenants.walls.grants import AGENCY_TABLES
from tenants.walls.place import ROLE_OF_DESK
from tenants.walls.roles import AGENCY as AGENCY_ROLE
from tenants.walls.roles import ensure_roles

AGENCIES_FILE: Final = Path(__file__).parent / "data" / "agencies.csv"
KIND_WORDS: Final = {
    "provincial": Agency.Kind.PROVINCIAL,
    "ministry": Agency.Kind.MINISTRY,
    "enterprise": Agency.Kind.ENTERPRISE,
    "central_enterprise": Agency.Kind.ENTERPRISE,
}
AUTHORITY_NAMES: Final = ("注册安全工程师注册终审机构", "National Final-Review Authority")
# Two openings at once would hand out the same number; the key is the word "open".
OPENING_LOCK: Final = 0x6F70656E
FIRST_NUMBER: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class AgencyRow:
    """One agency to open. `fields` are further columns of its row: contacts, switches."""

    code: str
    kind: str
    name_zh: str
    name_en: str = ""
    fields: Mapping[str, Any] = field(default_factory=dict)


class ReplayError(RuntimeError):
    """A replayed schema is not what the migrations make; nothing of that agency was kept."""


def read_agencies(path: Path = AGENCIES_FILE) -> list[AgencyRow]:
    """The agencies of a CSV file (code, kind, name_zh, name_en), in its order."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        return [
            AgencyRow(
                code=row["code"].strip(),
                kind=KIND_WORDS[row["kind"].strip()],
                name_zh=row["name_zh"].strip(),
                name_en=(row.get("name_en") or "").strip(),
            )
            for row in csv.DictReader(file)
        ]


def open_agency(*, code: str, kind: str, name_zh: str, name_en: str = "", **fields: Any) -> Agency:
    """Open one agency, by the migrations themselves; an open one is returned as it is.

    Raises ValidationError for a code that cannot be a schema and a host.
    """
    open_agencies([AgencyRow(code=code, kind=kind, name_zh=name_zh, name_en=name_en, fields=fields)])
    with crossing.standing(Desk.OWNER):
        return Agency.objects.get(code=code)


def open_agencies(rows: Iterable[AgencyRow]) -> list[Agency]:
    """Open those of these agencies that are not open yet, and answer with them.

    Each gets the next three-digit number, for good. Raises ValidationError before anything is opened if a
    code is unfit, ReplayError if a schema came out different. Needs the owner's login.
    """
    with crossing.standing(Desk.OWNER):
        wanted = {row.code: row for row in rows}
        for code in wanted:
            check_code(code)
        known = set(Agency.objects.filter(code__in=wanted).values_list("code", flat=True))
        new = [row for code, row in wanted.items() if code not in known]
        ensure_roles(row.code for row in new)
    opened: list[Agency] = []
    recording: Recording | None = None
    for row in new:
        if recording is None:
            agency, recording = _open_first(row)
        else:
            agency = _open_next(row, recording)
        opened.append(agency)
    return opened


def establish(row: AgencyRow, *, along: Callable[[Agency], None]) -> Agency:
    """Open one agency by the migrations; `along` happens in the same transaction, as its last part.

    Killed at any point it leaves nothing, or the whole agency with what came along. Raises ValidationError
    for a code that cannot be a schema and a host, IntegrityError or ProgrammingError where it is taken.
    """
    check_code(row.code)
    with crossing.standing(Desk.OWNER):
        ensure_roles([row.code])
    if _last_recording is None:
        return _open_first(row, along)[0]
    return _open_next(row, _last_recording, along)


def complete(agency: Agency) -> None:
    """Give an agency whatever its schema lacks: the schema itself, migrations, walls, its host.

    What is there stays. One transaction. Raises ValidationError or ValueError where the row's code cannot be
    a schema, or names another one: rows are written at other desks, and the owner may do everything.
    """
    schema = agency.schema_name
    check_code(agency.code)
    if schema != agency.code:
        raise ValueError(f"The agency {agency.code} cannot have the schema {schema!r}.")
    with crossing.standing(Desk.OWNER):
        ensure_roles([schema])
    with crossing.standing(Desk.OWNER, agency), crossing.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [OPENING_LOCK])
            cursor.execute(f"CREATE SCHEMA IF NOT EXISTS {quoted(schema)}")
        if not Domain.objects.filter(tenant=agency).exists():
            Domain.objects.bulk_create([_host(agency)])
        _migrate()
        apply_walls([schema])


def self_test(agency: Agency) -> list[str]:
    """What is wrong with an open agency, in words: walls, host, and whether each desk finds its tables."""
    schema = agency.schema_name
    own = [model for app in _own_labels() for model in apps.get_app_config(app).get_models()]
    with crossing.standing(Desk.OWNER):
        found = check_walls([schema])
        faults = [fault for lines in found.values() for fault in lines]
        if not Domain.objects.filter(tenant=agency).exists():
            faults.append(f"{schema}: no host leads to it")
        others = Agency.objects.exclude(schema_name__in=[schema, PUBLIC_SCHEMA]).order_by("-number")
        model = others.values_list("schema_name", flat=True).first()
        if model and len(set(signatures([schema, model]).values())) > 1:
            faults += unlike(schema, model)
    if not faults:
        for desk in (Desk.AGENCY, Desk.APPLICANT, Desk.AUTHORITY):
            letter = AGENCY_ROLE if desk is Desk.AGENCY else ROLE_OF_DESK[desk]
            with crossing.standing(desk, agency):
                for table in own:
                    if "S" in AGENCY_TABLES[table._meta.db_table].get(letter, ""):
                        table._default_manager.exists()
    return faults


def open_authority() -> Agency:
    """The authority's row: the public schema's own agency, on which its staff hold their roles."""
    with crossing.standing(Desk.OWNER):
        authority = Agency.objects.filter(code=AUTHORITY_CODE).first()
        if authority is None:
            name_zh, name_en = AUTHORITY_NAMES
            authority = Agency(
                code=AUTHORITY_CODE,
                schema_name=PUBLIC_SCHEMA,
                number=0,
                kind=Agency.Kind.AUTHORITY,
                name_zh=name_zh,
                name_en=name_en,
                intake_open=False,
            )
            authority.save(force_insert=True)  # type: ignore[no-untyped-call]
        return authority


def schema_signature(agency: Agency) -> str:
    """A digest of everything that stands in an agency's schema but rows; equal for all agencies."""
    with crossing.standing(Desk.OWNER):
        return signatures([agency.schema_name])[agency.schema_name]


# --- Recording and replaying -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Recording:
    """What the migrations said to the database in the first schema, and what came of it."""

    schema: str
    script: str
    signature: str
    seeds: Mapping[str, str]


class Recorder:
    """An execute wrapper that writes down every statement which changes something."""

    LISTENED_ONLY: Final = ("SELECT", "SHOW", "SET SEARCH_PATH", "SAVEPOINT", "RELEASE SAVEPOINT")

    def __init__(self) -> None:
        self.statements: list[str] = []

    def __call__(self, execute: Any, sql: Any, params: Any, many: bool, context: dict[str, Any]) -> Any:
        result = execute(sql, params, many, context)
        for values in params if many else [params]:
            self._note(sql, values)
        return result

    def _note(self, sql: Any, values: Any) -> None:
        # With values given, "%%" means "%": only what mogrify makes of it can be said again.
        said = ClientCursor(connection.connection).mogrify(sql, values) if values is not None else str(sql)
        word = said.lstrip().upper()
        if word.startswith("ROLLBACK"):
            raise ReplayError("A migration took something back; it cannot be replayed.")
        if not word.startswith(self.LISTENED_ONLY):
            self.statements.append(said.strip().rstrip(";"))


Along = Callable[[Agency], None]
# The migrations of a process do not change: what was recorded once serves every later opening in it.
_last_recording: Recording | None = None


def _open_first(row: AgencyRow, along: Along | None = None) -> tuple[Agency, Recording]:
    global _last_recording  # noqa: PLW0603 - one database per process
    recorder = Recorder()
    with _opening(row) as agency:
        with connection.execute_wrapper(recorder):
            _migrate()
        apply_walls([row.code])
        made = Recording(
            row.code, ";\n".join(recorder.statements), signatures([row.code])[row.code], seeds(row.code)
        )
        if along is not None:
            along(agency)
    _last_recording = made
    return agency, made


def _migrate() -> None:
    """Bring the schema one stands in to the newest migration of the agencies' own apps.

    Migrations of the public apps change nothing here. They are noted as done at once: walking through them
    would build the models of every one of them anew, four seconds for nothing.
    """
    own = _own_labels()
    recorder = MigrationRecorder(connection)
    recorder.ensure_schema()
    elsewhere = [key for key in MigrationLoader(connection).graph.nodes if key[0] not in own]
    done = recorder.applied_migrations()
    recorder.migration_qs.bulk_create(
        recorder.Migration(app=app, name=name) for app, name in sorted(elsewhere) if (app, name) not in done
    )
    executor = MigrationExecutor(connection)
    executor.migrate(executor.loader.graph.leaf_nodes())


def _own_labels() -> set[str]:
    return {config.label for config in apps.get_app_configs() if config.name in settings.TENANT_APPS}


def _open_next(row: AgencyRow, recording: Recording, along: Along | None = None) -> Agency:
    with _opening(row) as agency:
        with connection.cursor() as cursor:
            cursor.execute(recording.script)
        apply_walls([row.code])
        if signatures([row.code])[row.code] != recording.signature:
            raise ReplayError("\n".join(unlike(row.code, recording.schema)))
        if seeds(row.code) != recording.seeds:
            raise ReplayError(f"{row.code}: the rows that migrations write differ from {recording.schema}.")
        if along is not None:
            along(agency)
    return agency


@contextmanager
def _opening(row: AgencyRow) -> Iterator[Agency]:
    """One transaction around one agency: row, host, role and schema; the body furnishes the schema."""
    agency = Agency(
        code=row.code,
        schema_name=row.code,
        kind=row.kind,
        name_zh=row.name_zh,
        name_en=row.name_en,
        **row.fields,
    )
    with crossing.standing(Desk.OWNER, agency), crossing.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [OPENING_LOCK])
            cursor.execute(f"CREATE SCHEMA {quoted(row.code)}")
        last = Agency.objects.aggregate(last=Max("number"))["last"]
        agency.number = FIRST_NUMBER if last is None else last + 1
        # Written in bulk because the inherited save() refuses to work inside another schema.
        Agency.objects.bulk_create([agency])
        Domain.objects.bulk_create([_host(agency)])
        yield agency


def _host(agency: Agency) -> Domain:
    return Domain(domain=f"{agency.code}.{settings.BASE_HOST}", tenant=agency, is_primary=True)
