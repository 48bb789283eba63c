"""用柜台重置码设置密码: for applicants without e-mail, who were given a one-time code at the counter.

Unknown people, wrong names and wrong codes get the same answer after the same questions.
"""

from __future__ import annotations

from typing import Final
from uuid import UUID

from django.core import signing
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from intake import recovery, signin
from register import clock, documents, names
from register.models import Person
from tenants import attempts, counter, crossing
from tenants.errors import Refusal
from tenants.models import User

CODE_KEY: Final = "counter_code"
CODE_SALT: Final = "intake.counter"

NO_MATCH: Final = _(
    "姓名、证件或者重置码不正确，或者重置码已过期、已使用、输错次数过多。"
    "请对照重置单核对；仍不能通过的，请到柜台重新办理。"
)
STALE: Final = _("重置码已过期或者已使用，请到柜台重新办理。")


def open_by_code(request: HttpRequest, *, name: str, document_type: str, number: str, code: str) -> None:
    """Remember in the session, signed, that this visitor gave the open code of this person.

    Every try counts, against the code and against the document. Raises `Refusal`, always the same.
    """
    counted = _counted(documents.digest(document_type, number))
    attempts.check(request, counted)
    holder = signin.holder_of(document_type, number)
    with crossing.acting_as(holder), crossing.atomic():
        issued = counter.tried(person_id=holder, typed=code, at=clock.now())
        person = Person.objects.filter(pk=holder).first()
        opened = _accounts(holder).exists()
    if issued is None or person is None or not opened or not names.same(person.name, name):
        attempts.failed(request, counted)
        raise Refusal(NO_MATCH, code="no_match")
    request.session.cycle_key()
    request.session[CODE_KEY] = signing.dumps([str(holder), str(issued.pk)], salt=CODE_SALT)


def claim_of(request: HttpRequest) -> tuple[UUID, UUID]:
    """Person and code that were given in this session. Raises `Refusal`."""
    try:
        person_id, code_id = signing.loads(request.session.get(CODE_KEY, ""), salt=CODE_SALT)
    except signing.BadSignature as error:
        raise Refusal(STALE, code="stale") from error
    return UUID(person_id), UUID(code_id)


def account_of(person_id: UUID) -> User:
    """The account whose password is to be set. Raises `Refusal` when it was closed meanwhile."""
    with crossing.acting_as(person_id):
        user = _accounts(person_id).first()
    if user is None:
        raise Refusal(STALE, code="stale")
    return user


def set_password(*, person_id: UUID, code_id: UUID, password: str) -> None:
    """Set the password, the first or another one; the code is used up, all sessions of the account end.

    The notice board tells of it. Raises `Refusal` when the code is used, void or too old.
    """
    with crossing.acting_as(person_id):
        with crossing.atomic():
            user = _accounts(person_id).select_for_update(of=("self",)).first()
            if user is None or not counter.use(code_id=code_id, person_id=person_id, at=clock.now()):
                raise Refusal(STALE, code="stale")
            recovery.change_password(user=user, password=password)
        digest = Person.objects.only("document_digest").get(pk=person_id).document_digest
    attempts.forgive(digest)
    attempts.forgive(_counted(digest))


def _accounts(person_id: UUID) -> QuerySet[User]:
    return User.objects.filter(person=person_id, kind=User.Kind.APPLICANT, is_active=True)


def _counted(digest: str) -> str:
    return attempts.named("counter", digest)
