"""The database ENGINE (`"ENGINE": "tenants.walls"`): a connection always stands at a place.

The place (role, search path, agency, person) is set in one round trip before the first statement after
every checkout and whenever the server may have forgotten it. If it cannot be set, nothing runs:
the inherited code would have gone on as whoever stood there before.
"""

from __future__ import annotations

from typing import Any, Final

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db.backends.utils import CursorDebugWrapper, CursorWrapper
from django_tenants.postgresql_backend import base
from psycopg.pq import TransactionStatus

from tenants.walls.place import PUBLIC, Desk, Place

# Four settings in one round trip; sent without parameters, they take effect together or not at all.
SET_PLACE: Final = (
    "SET ROLE {role}; SET search_path = {path}; SET app.agency = '{agency}'; SET app.person = '{person}'"
)


def first_place() -> Place:
    """Where a new connection stands: at the door, which reads only hosts; with the owner's login, free."""
    return Place(Desk.OWNER if settings.AS_OWNER else Desk.DOOR)


class _Placed:
    """A cursor that makes sure of the place before each statement, also when it was opened elsewhere."""

    db: DatabaseWrapper

    def execute(self, sql: Any, params: Any = None) -> Any:
        self.db.take_place()
        return super().execute(sql, params)  # type: ignore[misc]

    def executemany(self, sql: Any, param_list: Any) -> Any:
        self.db.take_place()
        return super().executemany(sql, param_list)  # type: ignore[misc]

    def callproc(self, procname: str, params: Any = None, kparams: Any = None) -> Any:
        self.db.take_place()
        return super().callproc(procname, params, kparams)  # type: ignore[misc]

    def __getattr__(self, name: str) -> Any:
        if name in ("copy", "stream"):
            self.db.take_place()
        return super().__getattr__(name)  # type: ignore[misc]


class PlacedCursor(_Placed, CursorWrapper):
    pass


class PlacedDebugCursor(_Placed, CursorDebugWrapper):
    pass


class DatabaseWrapper(base.DatabaseWrapper):
    """A PostgreSQL connection whose place is changed by `tenants.crossing` only."""

    # Kept by the inherited class under this name, and forgotten by it on close, rollback and
    # rollback to a savepoint: each of them reverts, or may revert, what was set.
    search_path_set_schemas: tuple[Place, bool] | None
    include_public_schema: bool
    schema_name: str
    tenant: Any

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.place = first_place()
        super().__init__(*args, **kwargs)  # type: ignore[no-untyped-call]

    def stand(self, place: Place, *, include_public: bool = True) -> None:
        """Move to a place. Nothing is sent now: the next statement takes it."""
        self.place = place
        self.schema_name = place.schema
        self.tenant = base.FakeTenant(place.schema)
        self.include_public_schema = include_public
        self.settings_dict["SCHEMA"] = place.schema

    def set_tenant(self, tenant: Any, include_public: bool = True) -> None:
        """django-tenants' own way into a schema, for its commands: the owner's login only.

        Raises ImproperlyConfigured when another desk would be moved by it.
        """
        schema = str(tenant.schema_name)
        if self.place.desk is not Desk.OWNER and schema != self.place.schema:
            raise ImproperlyConfigured("Only tenants.crossing moves a desk into a schema.")
        self.stand(Place(self.place.desk, schema, self.place.person), include_public=include_public)
        self.tenant = tenant

    def take_place(self) -> None:
        """Make the server stand where this connection stands. Raises if it cannot.

        In a transaction that is already broken nothing can be set and nothing but a rollback can run;
        the place is taken after that.
        """
        wanted = (self.place, self.include_public_schema)
        if self.search_path_set_schemas == wanted:
            return
        self.search_path_set_schemas = None
        if self.connection.info.transaction_status == TransactionStatus.INERROR:
            return
        place = self.place
        words = SET_PLACE.format(
            role=place.role, path=self._path(), agency=place.agency, person=place.person or ""
        )
        with self.wrap_database_errors:
            self.connection.execute(words)
        self.search_path_set_schemas = wanted

    def _configure_connection(self, connection: Any) -> bool:
        """A login that no wall can hold is refused before its first statement."""
        if not settings.AS_OWNER and connection.info.parameter_status("is_superuser") == "on":
            raise ImproperlyConfigured("DATABASE_URL logs in a superuser: the walls would not hold.")
        return bool(super()._configure_connection(connection))

    def connect(self) -> None:
        self.search_path_set_schemas = None
        super().connect()

    def _commit(self) -> None:
        # Committing a broken transaction is a rollback without an error: what was set in it is undone.
        pg = self.connection
        if pg is not None and pg.info.transaction_status == TransactionStatus.INERROR:
            self.search_path_set_schemas = None
        super()._commit()

    def make_cursor(self, cursor: Any) -> PlacedCursor:
        return PlacedCursor(cursor, self)

    def make_debug_cursor(self, cursor: Any) -> PlacedDebugCursor:
        return PlacedDebugCursor(cursor, self)

    def _handle_search_path(self, cursor: Any = None) -> None:
        """The inherited way of setting the path; the placed cursors do it, so that none outruns them."""

    def _path(self) -> str:
        schema = self.place.schema
        return f'"{schema}", {PUBLIC}' if self.include_public_schema and schema != PUBLIC else f'"{schema}"'
