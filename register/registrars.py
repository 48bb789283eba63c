"""Who may write in the national register by hand: a registrar of the authority, and never on own affairs."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from register import people
from register.models import Person
from tenants.errors import Refusal
from tenants.models import AUTHORITY_CODE, Agency, User
from tenants.roles import REGISTRAR, roles_of


def require(by: User, *concerned: Person) -> None:
    """Raise Refusal unless `by` is a registrar who is none of these people."""
    authority = Agency.objects.get(code=AUTHORITY_CODE)
    if REGISTRAR.code not in roles_of(by, authority):
        raise Refusal(_("只有登记人员可以办理此事项。"), code="role")
    own = people.own_records(by)
    if any(person.pk in own for person in concerned):
        raise Refusal(_("这是您本人的登记，须回避，请由其他登记人员办理。"), code="conflict")


def is_self(person: Person, by: User) -> bool:
    """Whether this is the officer's own entry in the register."""
    return person.pk in people.own_records(by)
