"""How applicants get in: identity check, password set once, sign-in by document and password.

Unknown and known people get the same answers in the same time. Failures are counted by django-axes under
the keyed digest of the document: no number is written anywhere.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, cast
from uuid import UUID

from django.contrib.auth import authenticate, login
from django.contrib.auth.backends import BaseBackend
from django.contrib.auth.hashers import make_password
from django.core import signing
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext_lazy as _

from notifications import arrivals
from register import clock, documents, names, people
from register.models import Person, Qualification, Registration
from tenants import attempts, crossing, own_sessions
from tenants.errors import Refusal
from tenants.models import User

APPLICANT_DESK: Final = "applicant"
PERSON_KEY: Final = "person"
CLAIM_KEY: Final = "claim"
CLAIM_SALT: Final = "intake.claim"
CLAIM_SECONDS: Final = 15 * 60
NOBODY: Final = UUID(int=0)

NO_MATCH: Final = _(
    "没有找到与所填信息一致的记录。请对照证书核对姓名、证件类型、证件号码和证书编号；"
    "确认无误仍不能通过的，请联系注册机构。"
)
HAS_PASSWORD: Final = _("您已经设置过密码，请直接登录；忘记密码的，请点击“忘了密码?”。")

MERGED: Final = _(
    "您的两条人员记录已经合并，这个账号已停用。请用保留的账号的密码登录；忘记密码的，请点击“忘了密码?”。"
)


# --- Who is asking -------------------------------------------------------------------------------


class PersonMiddleware:
    """At the applicant's desk, lets a signed-in applicant act as the person of the account."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        known = request.session.get(PERSON_KEY) if getattr(request, "desk", "") == APPLICANT_DESK else None
        if not known:
            return self.get_response(request)
        person_id = UUID(known)
        # The account is there for its own person only: first act as the person, then ask who is signed in.
        with crossing.acting_as(person_id):
            if request.user.is_authenticated:
                request.person_id = person_id  # type: ignore[attr-defined]
                # The account was read together with its person.
                request.person = SimpleLazyObject(lambda: cast(User, request.user).person)  # type: ignore[attr-defined]
                return self.get_response(request)
        return self.get_response(request)


def person_of(request: HttpRequest) -> Person:
    """The person on whose behalf this request acts; for views behind `applicant_required`."""
    return cast(Person, request.person)  # type: ignore[attr-defined]


# --- Signing in ----------------------------------------------------------------------------------


class ApplicantBackend(BaseBackend):
    """Knows the accounts of people, at the applicant's desk only. One hash is computed in every case."""

    def authenticate(self, request: HttpRequest | None, **credentials: Any) -> User | None:
        """The account of `person_id`, if `password` is its own and it is active."""
        if getattr(request, "desk", "") != APPLICANT_DESK or "password" not in credentials:
            return None
        person_id, password = credentials.get("person_id", NOBODY), credentials["password"]
        user = User.objects.filter(person=person_id, kind=User.Kind.APPLICANT).first()
        if user is None or not user.has_usable_password():
            make_password(password)
            return None
        return user if user.check_password(password) and user.is_active else None

    def get_user(self, user_id: int) -> User | None:
        """The account of a session, as long as it is active."""
        accounts = User.objects.filter(pk=user_id, kind=User.Kind.APPLICANT, is_active=True)
        return accounts.select_related("person").first()


def sign_in(request: HttpRequest, *, document_type: str, number: str, password: str) -> bool:
    """Sign an applicant in by document and password; False when they are not right.

    Whoever gives the password of an account that was closed when two records of one person were merged is
    told so: raises `Refusal`.
    After too many failures django-axes answers for this document and address through its middleware.
    """
    digest = documents.digest(document_type, number)
    person_id = holder_of(document_type, number)
    with crossing.acting_as(person_id):
        user = authenticate(request, username=digest, password=password, person_id=person_id)
    if not isinstance(user, User):
        if people.knows_closed_account(digest, password):
            raise Refusal(MERGED, code="merged")
        return False
    attempts.forgive(digest)
    enter(request, user=user, person_id=person_id)
    return True


def holder_of(document_type: str, number: str) -> UUID:
    """Whose document this is; a key that nobody has where it is unknown, so that the same is asked next."""
    return people.key_of(document_type, number) or NOBODY


def enter(request: HttpRequest, *, user: User, person_id: UUID) -> None:
    """Begin the session of a person at this desk, under a fresh key."""
    with crossing.acting_as(person_id), arrivals.noticed(request, user, at=clock.now()):
        login(request, user, backend=f"{ApplicantBackend.__module__}.{ApplicantBackend.__qualname__}")
    request.session.pop(CLAIM_KEY, None)
    request.session[PERSON_KEY] = str(person_id)
    own_sessions.begin(request)


# --- Verifying who somebody is -------------------------------------------------------------------


def verify_identity(
    request: HttpRequest,
    *,
    name: str,
    document_type: str,
    number: str,
    certificate_number: str,
    exam_year: int | None = None,
) -> Person:
    """The person whose name, document and certificate these are.

    Either the qualification certificate or the registration certificate will do; with an exam year only the
    qualification of that year. Every mismatch gets the same answer and counts as a failed sign-in, so nobody
    learns which part was wrong. Raises `Refusal`.
    """
    counted = documents.digest(document_type, number)
    attempts.check(request, counted)
    holder = holder_of(document_type, number)
    with crossing.acting_as(holder):
        person = Person.objects.select_related("user").filter(pk=holder).first()
        certified = _holds(holder, certificate_number, exam_year)
    if person is None or not names.same(person.name, name) or not certified:
        attempts.failed(request, counted)
        raise Refusal(NO_MATCH, code="no_match")
    return person


def _holds(person_id: UUID, certificate_number: str, exam_year: int | None) -> bool:
    own = Q(person_id=person_id) | Q(person__merged_into_id=person_id)
    qualified = own & Q(certificate_number=certificate_number)
    if exam_year is not None:
        return Qualification.objects.filter(qualified, exam_year=exam_year).exists()
    registered = Registration.objects.filter(own, number=certificate_number).exists()
    return Qualification.objects.filter(qualified).exists() or registered


# --- Setting the password, once ------------------------------------------------------------------


def claim(request: HttpRequest, person: Person) -> None:
    """Remember in the session, signed and for a short while, that this visitor proved to be the person."""
    request.session.cycle_key()
    request.session[CLAIM_KEY] = signing.dumps(str(person.pk), salt=CLAIM_SALT)


def claimant(request: HttpRequest) -> UUID:
    """The person this visitor proved to be. Raises `Refusal` when the proof is missing or too old."""
    try:
        known = signing.loads(request.session.get(CLAIM_KEY, ""), salt=CLAIM_SALT, max_age=CLAIM_SECONDS)
    except signing.BadSignature as error:
        raise Refusal(_("身份验证已过期，请重新验证。"), code="claim") from error
    return UUID(known)


def has_password(person: Person) -> bool:
    """Whether the person's account has been opened. Exam data alone never open it again."""
    with crossing.acting_as(person.pk):
        return User.objects.get(person=person.pk).has_usable_password()


def account_of(person_id: UUID) -> User:
    """The account of a person who proved to be so."""
    with crossing.acting_as(person_id):
        return User.objects.get(person=person_id, kind=User.Kind.APPLICANT)


def set_password(*, person_id: UUID, password: str) -> User:
    """Set the first password of an account. Raises `Refusal` if it has one or is closed."""
    with crossing.acting_as(person_id), crossing.atomic():
        user = User.objects.select_for_update(of=("self",)).get(person=person_id, kind=User.Kind.APPLICANT)
        if user.has_usable_password():
            raise Refusal(HAS_PASSWORD, code="has_password")
        if not user.is_active:
            raise Refusal(_("该账号已停用，请联系注册机构。"), code="inactive")
        write_password(user, password)
    return user


def write_password(user: User, password: str) -> None:
    """Give an account another password; all its sessions end, for they are bound to the one before."""
    user.set_password(password)
    user.save(update_fields=["password"])
