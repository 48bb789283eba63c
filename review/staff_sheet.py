"""A list of staff to be invited, brought as a sheet (django-import-export): read, checked line by line.

Nothing is written while it is read; `invite_all` invites the lines that stand, each on its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from import_export import fields, resources, widgets
from import_export.instance_loaders import BaseInstanceLoader
from tablib.core import Dataset

from register import contact
from register.resources import Cell, LongNumber, Name
from register.rosters import LineError
from register.sheets import LINE, plain_header, read
from register.tables import Form
from review import staffing
from tenants.errors import Refusal
from tenants.models import Agency, User
from tenants.rolebook import BY_CODE, stay_apart
from tenants.roles import DUTIES_MEET, offered_by

MOST_LINES: Final = 500
_BETWEEN_ROLES: Final = re.compile(r"[、,，;；/\s]+")
ALIASES: Final = {
    "账号": "登录名",
    "用户名": "登录名",
    "邮箱": "电子邮箱",
    "邮件": "电子邮箱",
    "手机": "手机号码",
    "联系电话": "手机号码",
    "岗位": "角色",
}


@dataclass(slots=True)
class StaffRow:
    """One colleague to be invited, and the line the row stands on."""

    line: int = 0
    name: str = ""
    username: str = ""
    email: str = ""
    phone: str = ""
    roles: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"line {self.line}"

    @property
    def role_labels(self) -> list[str | Promise]:
        return [BY_CODE[code].label for code in self.roles]


class _LoginName(Cell):
    def parse(self, text: str) -> str:
        username = text.lower()
        User._meta.get_field("username").run_validators(username)
        return username


class _Mail(Cell):
    def parse(self, text: str) -> str:
        return contact.check_email(text)


class _Mobile(LongNumber):
    def parse(self, text: str) -> str:
        return contact.check_mobile(text)


class _Roles(Cell):
    """One or more roles of this agency, in words or by code."""

    def __init__(self, agency: Agency) -> None:
        super().__init__(required=True)
        self.words = {
            plain_header(word): role.code
            for role in offered_by(agency)
            for word in (role.code, str(role.label))
        }

    def empty(self) -> tuple[str, ...]:
        return ()

    def parse(self, text: str) -> tuple[str, ...]:
        chosen: dict[str, None] = {}
        for word in filter(None, _BETWEEN_ROLES.split(text)):
            code = self.words.get(plain_header(word))
            if code is None:
                raise ValueError(gettext("没有“%(text)s”这一角色。") % {"text": word[:20]})
            chosen[code] = None
        if not stay_apart(chosen):
            raise ValueError(str(DUTIES_MEET))
        return tuple(chosen)


class StaffResource(resources.Resource):
    """Reads the lines into plain rows, with every fault told by its column."""

    line = fields.Field("line", LINE, widgets.IntegerWidget())
    name = fields.Field("name", "姓名", Name(required=True, limit=100))
    username = fields.Field("username", "登录名", _LoginName(required=True, limit=60))
    email = fields.Field("email", "电子邮箱", _Mail())
    phone = fields.Field("phone", "手机号码", _Mobile())

    class Meta:
        import_id_fields = ()
        instance_loader_class = BaseInstanceLoader
        force_init_instance = True
        skip_diff = True
        use_transactions = False

    def __init__(self, agency: Agency) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.fields["roles"] = fields.Field("roles", "角色", _Roles(agency))
        self.rows: list[StaffRow] = []

    def init_instance(self, row: Any = None) -> StaffRow:
        return StaffRow()

    def import_instance(self, instance: StaffRow, row: Any, **kwargs: Any) -> None:
        faults: dict[str, list[str]] = {}
        for each in self.fields.values():
            try:
                self.import_field(each, instance, row, **kwargs)  # type: ignore[no-untyped-call]
            except ValidationError as error:
                faults[each.attribute] = list(error.messages)
            except ValueError as error:
                faults[each.attribute] = [str(error)]
        if faults:
            raise ValidationError(
                {name: [ValidationError(text) for text in told] for name, told in faults.items()}
            )

    def save_instance(self, instance: StaffRow, is_create: bool, row: Any, **kwargs: Any) -> None:
        self.rows.append(instance)

    def headers(self) -> list[str]:
        """The columns as the template names them."""
        return [each.column_name for each in self.fields.values() if each.column_name != LINE]

    def required(self) -> list[str]:
        """The columns without which a sheet is no list of staff."""
        return [each.column_name for each in self.fields.values() if getattr(each.widget, "required", False)]

    def aliases(self) -> dict[str, str]:
        """Our columns by the headers people write."""
        own = {plain_header(name): name for name in self.headers()}
        english = {name: each.column_name for name, each in self.fields.items() if each.column_name != LINE}
        return {**english, **{plain_header(word): column for word, column in ALIASES.items()}, **own}

    def column_of(self, attribute: str) -> str:
        """The header under which a fault is told."""
        found = (each.column_name for each in self.fields.values() if each.attribute == attribute)
        return str(next(found))


@dataclass(frozen=True, slots=True)
class Reading:
    """What stands in a sheet: the rows that can be invited, and the faults of the others by line."""

    rows: tuple[StaffRow, ...]
    errors: tuple[LineError, ...]
    ignored: tuple[str, ...]
    lines: int

    @property
    def bad_lines(self) -> int:
        return len({error.line for error in self.errors})


@dataclass(frozen=True, slots=True)
class Invited:
    """What became of one line; `user` is the account, where one was opened."""

    row: StaffRow
    user: User | None = None
    said: str = ""


def read_staff(data: bytes, name: str, agency: Agency) -> Reading:
    """The lines of a CSV or XLSX file, checked. Raises `Refusal` when it is no list of staff."""
    resource = StaffResource(agency)
    dataset, ignored = read(data, name, resource.aliases(), resource.required())
    if len(dataset) > MOST_LINES:
        raise Refusal(
            gettext("一次最多导入 %(most)d 人，请分成几个文件。") % {"most": MOST_LINES}, "too_many"
        )
    errors = _faults(resource, dataset)
    _tell_repeated(resource.rows, errors)
    _tell_known(resource.rows, errors)
    bad = {error.line for error in errors}
    rows = tuple(row for row in resource.rows if row.line not in bad)
    return Reading(rows, tuple(sorted(errors)), tuple(ignored), len(dataset))


def _faults(resource: StaffResource, dataset: Dataset) -> list[LineError]:
    outcome = resource.import_data(dataset, use_transactions=False)  # type: ignore[no-untyped-call]
    for failed in outcome.error_rows:
        raise failed.errors[0].error  # a fault of the program, not of the file
    errors = []
    for invalid in outcome.invalid_rows:
        line = dataset[invalid.number - 1][0]
        for attribute, told in invalid.field_specific_errors.items():
            column = resource.column_of(attribute)
            errors += [LineError(line, column, str(sentence)) for sentence in told]
    return errors


def _tell_repeated(rows: Iterable[StaffRow], errors: list[LineError]) -> None:
    first: dict[str, int] = {}
    for row in rows:
        earlier = first.setdefault(row.username, row.line)
        if earlier != row.line:
            errors.append(LineError(row.line, "登录名", gettext("与第 %d 行重复。") % earlier))


def _tell_known(rows: Sequence[StaffRow], errors: list[LineError]) -> None:
    """Login names of this agency's own accounts; a name taken elsewhere is told when it is invited."""
    asked = User.objects.filter(username__in=[row.username for row in rows])
    known = set(asked.values_list("username", flat=True))
    errors += [
        LineError(row.line, "登录名", gettext("已有这个登录名的账号。"))
        for row in rows
        if row.username in known
    ]


def invite_all(rows: Iterable[StaffRow], *, agency: Agency, by: User) -> list[Invited]:
    """Invite every line on its own; one that is refused holds up no other."""
    outcomes = []
    for row in rows:
        try:
            user = staffing.invite(
                agency=agency,
                name=row.name,
                username=row.username,
                email=row.email,
                phone=row.phone,
                roles=row.roles,
                by=by,
            )
        except Refusal as no:
            outcomes.append(Invited(row, said=str(no.message)))
        else:
            outcomes.append(Invited(row, user))
    return outcomes


def template(agency: Agency, form: str) -> bytes:
    """An empty sheet with the columns: `xlsx` or `csv` (with the mark by which spreadsheets know UTF-8)."""
    empty = Dataset(headers=StaffResource(agency).headers())
    made = empty.export(form)
    return made if isinstance(made, bytes) else f"\ufeff{made}".encode()


TEMPLATES: Final[Mapping[str, str]] = {form.value: form.content_type for form in Form}
COLUMNS: Final[Sequence[tuple[str | Promise, str | Promise]]] = (
    (_("姓名"), _("必填。")),
    (_("登录名"), _("必填，小写字母、数字和 . _ -，开通后不再更改。")),
    (_("电子邮箱"), _("选填；填写的，邀请链接发到该邮箱。")),
    (_("手机号码"), _("选填，须为文本格式。")),
    (_("角色"), _("必填，多个角色用顿号分开。")),
)
