"""The law's numbers as they stand on a day (政策参数): the seed values below, overridden by dated rows.

An application freezes them when it is lodged (`as_dict`), so that a later change alters no running case.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from datetime import date
from typing import Any, Final, Self

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from register import clock
from register.memory import Remembered
from register.models import Policy as PolicyRow
from tenants.crypto import canonical_json, sha256_hex

FIVE_CATEGORIES: Final = "five"
SEVEN_CATEGORIES: Final = "seven"


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Every number of the law that may change, with the value the portal starts from.

    Working days unless named otherwise. Order 11 of 2007 unless another source stands beside the value.
    """

    version: str = ""

    validity_years: int = 3  # art. 13; the 2019 rules art. 18: 5
    initial_window_years: int = 3  # the 2019 rules art. 18: 5
    renewal_open_months: int = 3
    renewal_close_days_before: int = 0  # calendar days; art. 13: 30
    deemed_renewal: bool = True  # art. 13
    deemed_renewal_days_before: int = 30  # calendar days; art. 13
    categories: str = FIVE_CATEGORIES  # art. 9; document 118 of 2017 art. 3: seven
    late_initial_allowed: bool = True
    ce_hours_required: int = 48  # art. 23
    ce_professional_share: float = 0.0
    reregistration_hours: bool = False  # the 2019 rules ask for them
    min_age: int = 18  # civil code art. 17
    max_age: int | None = None  # the 2019 rules: 70
    materials_mode: str = "paper"
    correction_notice_days: int = 5  # art. 10; licensing law art. 32
    correction_deadline_days: int = 10
    first_review_days: int = 20  # art. 10
    final_review_days: int = 20  # art. 10
    issue_days: int = 10  # art. 10
    extension_days: int = 10  # licensing law art. 42
    remand_days: int = 10
    countersign: bool = False
    final_sign_off: bool = False
    counter_reset_two_person: bool = False
    renewal_same_employer: bool = False
    draft_retention_days: int = 180  # calendar days
    certificate_number_pattern: str = "{year:02d}{agency:03d}{serial:06d}"
    change_cooldown_months: int = 0  # the 2004 rules: 12
    reapply_ban_false_material: int = 1  # years
    reapply_ban_cheating: int = 3  # years; the 2019 rules: 5
    reapply_ban_penalty: int = 5  # years
    review_clock_applies: bool = True
    photo_background: str = "white"
    public_name_mask: bool = False
    reconsideration_days: int = 60  # calendar days, printed on a refusal
    lawsuit_months: int = 6  # printed on a refusal

    def as_dict(self) -> dict[str, Any]:
        """All values and the version, as plain JSON values, to be frozen with an application."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """The policy frozen with an application; keys it did not have yet take the seed value."""
        known = {field.name for field in fields(cls)}
        return cls(**{key: value for key, value in values.items() if key in known})


SEED: Final = Policy()
KEYS: Final = tuple(field.name for field in fields(Policy) if field.name != "version")

_PATTERN_FIELDS: Final = re.compile(r"\{(year|agency|serial):0\d+d\}")


def _number_from_to(low: int, high: int) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def _one_of(*values: str) -> Callable[[Any], bool]:
    return lambda value: value in values


def _is_bool(value: Any) -> bool:
    return isinstance(value, bool)


def _is_share(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1


def _is_max_age(value: Any) -> bool:
    return value is None or _number_from_to(60, 120)(value)


def _is_number_pattern(value: Any) -> bool:
    """Year, agency and serial once each, eleven digits in all."""
    if not isinstance(value, str) or sorted(_PATTERN_FIELDS.findall(value)) != ["agency", "serial", "year"]:
        return False
    return re.fullmatch(r"\d{11}", value.format(year=26, agency=999, serial=1)) is not None


_SPECIAL: Final[Mapping[str, Callable[[Any], bool]]] = {
    "validity_years": _number_from_to(1, 20),
    "initial_window_years": _number_from_to(1, 20),
    "renewal_open_months": _number_from_to(1, 24),
    "change_cooldown_months": _number_from_to(0, 36),
    "min_age": _number_from_to(16, 30),
    "max_age": _is_max_age,
    "ce_hours_required": _number_from_to(0, 1000),
    "ce_professional_share": _is_share,
    "categories": _one_of(FIVE_CATEGORIES, SEVEN_CATEGORIES),
    "materials_mode": _one_of("paper", "upload", "both"),
    "photo_background": _one_of("white", "any"),
    "certificate_number_pattern": _is_number_pattern,
}


def check_value(key: str, value: Any) -> None:
    """Whether a value may stand under a key. Raises ValidationError; an unknown key may not stand at all."""
    if key not in KEYS:
        raise ValidationError(_("没有名为 %(key)s 的政策参数。"), code="key", params={"key": key})
    ordinary = _is_bool if isinstance(getattr(SEED, key), bool) else _number_from_to(0, 3650)
    if not _SPECIAL.get(key, ordinary)(value):
        raise ValidationError(_("政策参数 %(key)s 的值不在允许范围内。"), code="value", params={"key": key})


def _load_rows() -> tuple[tuple[date, str, Any], ...]:
    rows = PolicyRow.objects.filter(withdrawn_at__isnull=True).order_by("valid_from", "pk")
    return tuple(rows.values_list("valid_from", "key", "value"))


# What was entered in the last seconds of a day counts from midnight all the same.
_rows: Remembered[tuple[tuple[date, str, Any], ...]] = Remembered(_load_rows, seconds=30, day=clock.today)


def current(on: date | None = None) -> Policy:
    """The policy in force on a day (today).

    Raises ValidationError when a stored row is out of range: no deadline is computed from a wrong number.
    """
    day = on or clock.today()
    values: dict[str, Any] = {}
    for valid_from, key, value in _rows():
        if valid_from <= day:
            check_value(key, value)
            values[key] = value
    policy = replace(SEED, **values)
    return replace(policy, version=_version_of(policy))


def days_of_change() -> frozenset[date]:
    """The days from which another policy counts; before the first of them the portal's own values do."""
    return frozenset(valid_from for valid_from, _key, _value in _rows())


def _version_of(policy: Policy) -> str:
    """Equal values, equal version: what a dossier says it was lodged under can be checked."""
    values = {key: getattr(policy, key) for key in KEYS}
    return sha256_hex(canonical_json(values))[:12]
