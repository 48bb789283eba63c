"""Behind the scenes of the journeys: a process that lays the ground and brings people to where one begins.

`python -m tests.backstage` prepares a copy of the tests' ground (staff, static files), says so in one line,
and then does what it is asked, one JSON line at a time: `{"do": "someone", "with": {…}}`.
Everything is done by the verbs of the domain, never by rows written by hand. It logs in as the owner and
takes the desks' roles, as tests do.
"""

from __future__ import annotations

import json
import os
import sys
import time
import traceback
from collections.abc import Callable
from datetime import date, timedelta
from functools import lru_cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID, uuid4

if TYPE_CHECKING:
    from django.contrib.sessions.backends.base import SessionBase

    from tests.cast import Officer

# The ground has agencies and no staff, so their places are given here and not by an import of rosters.
AGENCIES: Final = ("beijing", "mohurd", "sinopec")
FAMILIES: Final = "甲乙丙丁戊己庚辛壬癸"
EMPLOYER_NAME: Final = "北京示例化工有限公司"
EMPLOYER_CODE: Final = "91110000MA00000152"
# Days from today to the last day of validity, by situation; None for people without a registration.
VALIDITY: Final[dict[str, int | None]] = {
    "first": None,
    "late": None,
    "valid": 700,
    "expiring": 60,
    "expired": -30,
    "cancelled": 700,
}
Facts = dict[str, Any]
# Seconds in which a busy machine delivers the notices of a few acts.
TOLD_WITHIN: Final = 60


# --- The ground ------------------------------------------------------------------------------------


def lay_ground() -> None:
    """Static files, the trial key, the staff of the cast; the rest came with the database."""
    from django.core.management import call_command

    call_command("collectstatic", interactive=False, verbosity=0)
    call_command("demo_certificate_key", verbosity=0)
    _appoint()


def _appoint() -> None:
    from tenants import crossing
    from tenants.models import Agency
    from tests.cast import STAFF

    with crossing.standing(crossing.Desk.OWNER):
        agencies = {agency.code: agency for agency in Agency.objects.all()}
        for agency in agencies.values():
            agency.phone = f"010-0000-{agency.number:04d}"
            agency.hours = "工作日 9:00–17:00"
            # One agency takes papers by upload as well.
            agency.materials_mode = (
                Agency.Materials.BOTH if agency.code == "mohurd" else agency.materials_mode
            )
            agency.save(update_fields=["phone", "hours", "materials_mode"])
        for key, officer in STAFF.items():
            _employ(key, officer, agencies[officer.agency])


def _employ(key: str, officer: Officer, agency: Any) -> None:
    """Give somebody of the cast an account at this agency, with the role there and an authenticator app."""
    from django.utils import timezone

    from register import demo
    from tenants import second_factor
    from tenants.models import User
    from tenants.roles import grant

    username = f"{key}.{agency.code}"
    user = User.objects.create(
        username=username,
        name=officer.name,
        kind=User.Kind.STAFF,
        password=_secret(),
        password_set_at=timezone.now(),
        home=agency,
    )
    grant(user=user, agency=agency, role=officer.role, by=None)
    second_factor.install(user, key=demo.app_key(username))


def opened(*, agency: str, countersign: bool = False) -> str:
    """Open one more agency with nothing in its queue; its staff are those of Beijing. Answers its name."""
    from django.core.management import call_command

    from tenants import crossing
    from tenants.models import Agency
    from tests.cast import STAFF

    call_command("open_agency", agency, verbosity=0)
    with crossing.standing(crossing.Desk.OWNER):
        place = Agency.objects.get(code=agency)
        place.countersign = countersign
        place.save(update_fields=["countersign"])
        for key, officer in STAFF.items():
            if officer.agency == AGENCIES[0]:
                _employ(key, officer, place)
    return str(place.name_zh)


@lru_cache(maxsize=1)
def _secret() -> str:
    """The password of everybody, hashed once: an honest hash takes half a second."""
    from django.contrib.auth.hashers import make_password

    from deploy import play

    return make_password(play.PASSWORD)


# --- People ----------------------------------------------------------------------------------------
_made = 0


def someone(
    *,
    situation: str = "first",
    agency: str = "beijing",
    photo: bool = False,
    account: bool = False,
    email: str = "",
    verified: bool = True,
) -> Facts:
    """A new person of the roster in one of the situations, perhaps with an account and an e-mail.

    With `photo` the register knows portrait and personal data from an earlier grant.
    """
    from register import issuing, policy
    from register.models import Kind, Photo, Registration
    from tenants import crossing
    from tenants.models import Agency
    from tests import factories
    from tests.intake.desk import PERSONAL

    global _made  # noqa: PLW0603 - one process, one play
    _made += 1
    name = f"测试{FAMILIES[_made // 10 % 10]}{FAMILIES[_made % 10]}"
    number = factories.id_number(date(1990, 1, 1) + timedelta(days=_made))
    with crossing.standing(crossing.Desk.OWNER):
        person = factories.person(name, number)
        result = factories.qualification(person, **_exam_of(situation))
        portrait = _portrait_of(person) if photo else None
        given: Registration | None = None
        if VALIDITY[situation] is not None:
            held_at = Agency.objects.get(code=agency)
            with crossing.atomic():
                given = issuing.grant(
                    case_id=uuid4(),
                    person=person,
                    kind=Kind.INITIAL,
                    category="A5",
                    agency=held_at,
                    employer_name=EMPLOYER_NAME,
                    employer_code=EMPLOYER_CODE,
                    policy=policy.current(),
                    on=_granted_on(situation),
                    photo=portrait,
                    personal=PERSONAL if photo else None,
                )
                if situation == "cancelled":
                    how, when = Registration.End.CANCELLED, _granted_on(situation) + timedelta(days=90)
                    issuing.end(registration=given, how=how, on=when, reason="本人申请注销")
        if portrait is not None and given is None:
            type(person).objects.filter(pk=person.pk).update(photo=Photo.objects.get(pk=portrait.pk))
        _give_account(person, account=account, email=email, verified=verified)
    return {
        "id": str(person.pk),
        "name": name,
        "number": number,
        "certificate": result.certificate_number,
        "exam_year": str(result.exam_year),
        "registration": given.number if given else "",
    }


def _exam_of(situation: str) -> Facts:
    from register import clock

    today = clock.today()
    if situation == "first":
        return {}
    years = 5 if situation == "late" else 9
    return {"exam_year": today.year - years, "issued_on": date(today.year - years + 1, 1, 5)}


def _granted_on(situation: str) -> date:
    from register import clock

    last = clock.today() + timedelta(days=VALIDITY[situation] or 0)
    return clock.add_years(last + clock.ONE_DAY, -3)


def _portrait_of(person: Any) -> Any:
    from intake import photos
    from register.models import Photo
    from tests.intake.desk import portrait

    read = photos.read(portrait(), ground="white")
    return Photo.objects.create(person=person, sha256=read.sha256, data=read.data)


def _give_account(person: Any, *, account: bool, email: str, verified: bool) -> None:
    if account:
        person.user.password = _secret()
        person.user.email, person.user.email_verified = email, verified and bool(email)
        person.user.save(update_fields=["password", "email", "email_verified"])


def announced(*, registration: str) -> str:
    """Publish an announcement that names this registration."""
    from register import announcing, clock
    from register.models import Registration
    from tenants import crossing

    with crossing.standing(crossing.Desk.OWNER):
        rows = Registration.objects.select_related("person", "agency").filter(number=registration)
        batch = announcing.compose(number=f"S{registration}", title="示例公告", registrations=rows)
        announcing.publish(batch=batch, on=clock.today())
    return batch.number


def certified(*, application: str) -> str:
    """Make the certificate of a granted application; the code that it carries."""
    from register import certificates
    from register.models import Registration
    from tenants import crossing
    from tenants.models import User

    with crossing.standing(crossing.Desk.AUTHORITY):
        given = Registration.objects.select_related("person", "agency").get(case_id=application)
        by = User.objects.get(username="zhou.authority")
        return certificates.issue(registration=given, by=by).code


# --- Applications ----------------------------------------------------------------------------------


def draft(*, person: str, kind: str = "initial", agency: str = "beijing", filled: bool = True) -> Facts:
    """A draft, an initial one complete up to the preview, begun by the person's own acts.

    One that is not to be `filled` has its agency only.
    """
    from intake import filing
    from register.models import Kind
    from tenants import crossing
    from tests.intake import desk

    owner = _person(person)
    with crossing.standing(crossing.Desk.APPLICANT), crossing.acting_as(owner.pk):
        if kind == Kind.INITIAL and filled:
            begun = desk.filled(owner, _agency(agency))
        else:
            begun = filing.start(person=owner, kind=Kind(kind))
        if not filled:
            filing.choose_agency(application=begun, agency=_agency(agency))
    return {"application": str(begun.pk), "reference": begun.reference}


def lodged(*, person: str, agency: str = "beijing", at: str = "submitted") -> Facts:
    """An initial application, lodged by the person and brought to a state by the officers of the cast."""
    from intake import filing
    from review.models import Case
    from review.states import State
    from tenants import crossing
    from tests import casefiles

    begun = draft(person=person, agency=agency)
    owner, state = _person(person), State(at)
    with crossing.standing(crossing.Desk.APPLICANT), crossing.acting_as(owner.pk):
        application = filing.application_of(owner, UUID(begun["application"]))
        assert application is not None
        filing.lodge(application=application)
        if state == State.WITHDRAWN:
            filing.withdraw(application=application)
    if state not in (State.SUBMITTED, State.WITHDRAWN):
        first = State.REPORTED if state == State.FINAL_PASSED else state
        with crossing.standing(crossing.Desk.AGENCY, _agency(agency)):
            case = Case.objects.get(pk=begun["application"])
            casefiles.walk(case, _officer(agency), first)
        if state == State.FINAL_PASSED:
            _approve(begun["application"])
    _until_told(begun["application"])
    return begun


def pile(*, agency: str, cases: int, referred: bool = False) -> list[str]:
    """So many reviewed cases at an agency, ready to be referred, or sent up together already.

    Answers the document numbers of their people.
    """
    from review import casework
    from review.states import State
    from tenants import crossing
    from tests import casefiles

    people = [someone() for _case in range(cases)]
    place, reviewer, second = _agency(agency), _officer(agency), _officer(agency, role="supervisor")
    reviewed = []
    for each in people:
        person = _person(each["id"])
        with (
            crossing.standing(crossing.Desk.APPLICANT),
            crossing.acting_as(person.pk),
            crossing.inside(place),
        ):
            case = casefiles.lodge(person, place)
        with crossing.standing(crossing.Desk.AGENCY, place):
            casefiles.walk(case, reviewer, State.FIRST_PASSED)
            if case.policy["countersign"]:
                casework.countersign(case=case, by=second)
        reviewed.append(case)
    if referred:
        with crossing.standing(crossing.Desk.AGENCY, place):
            casework.refer(cases=reviewed, by=reviewer)
    return [each["number"] for each in people]


def lodged_many(*, agency: str, cases: int) -> list[str]:
    """So many applications just lodged at an agency, by people whose e-mail is verified; their keys."""
    from tenants import crossing
    from tests import casefiles

    place, found = _agency(agency), []
    for _case in range(cases):
        person = _person(someone(account=True, email=f"person-{_made + 1}@example.invalid")["id"])
        with (
            crossing.standing(crossing.Desk.APPLICANT),
            crossing.acting_as(person.pk),
            crossing.inside(place),
        ):
            found.append(str(casefiles.lodge(person, place).pk))
    return found


def asked_to_open(*, agency: str, login: str) -> str:
    """The administrator orders an agency from the owner's worker; the key of the job."""
    from review import agency_jobs
    from tenants import crossing

    wish = {
        "code": agency,
        "kind": "ministry",
        "name_zh": f"示例{agency}部",
        "name_en": "",
        "manager": {"name": "示例管理", "username": login, "email": ""},
    }
    with crossing.standing(crossing.Desk.AUTHORITY):
        return str(agency_jobs.ask_opening(key=uuid4(), wish=wish, by=_administrator()).pk)


def asked_to_merge(*, agency: str, target: str) -> str:
    """The administrator orders that an agency goes into another one; the key of the job."""
    from review import mergers
    from tenants import crossing

    source, into = _agency(agency), _agency(target)
    with crossing.standing(crossing.Desk.AUTHORITY):
        return str(mergers.announce(agency=source, target=into, by=_administrator(), reason="示例合并。").pk)


def _administrator() -> Any:
    from tenants.models import User

    return User.objects.get(username="feng.authority")


def answered(*, person: str, application: str, changes: dict[str, dict[str, Any]], words: list[str]) -> None:
    """Answer the open correction: fields of sections changed, items answered in words, lodged again."""
    from intake import filing
    from intake.flows import Section
    from tenants import crossing

    owner = _person(person)
    with crossing.standing(crossing.Desk.APPLICANT), crossing.acting_as(owner.pk):
        held = filing.application_of(owner, UUID(application))
        assert held is not None
        for section, fields in changes.items():
            data = {**held.sections[section], **fields}
            held = filing.save_step(application=held, section=Section(section), data=data)
        held = filing.answer(application=held, number=1, answers=words)
        filing.resubmit(application=held)
    _until_told(application)


def _until_told(case_id: str) -> None:
    """Wait until the worker has put everything so far on the board: a page opened then shows all of it."""
    from notifications.models import Outbox
    from tenants import crossing

    last = time.monotonic() + TOLD_WITHIN
    with crossing.standing(crossing.Desk.OWNER):
        while Outbox.objects.filter(case_id=case_id, sent_at__isnull=True).exists():
            if time.monotonic() > last:
                raise TimeoutError(f"the notices of {case_id} are not delivered after {TOLD_WITHIN} s")
            time.sleep(0.05)


def _approve(case_id: str) -> None:
    from register.models import DocketEntry
    from review import casework, docket
    from tenants import crossing

    with crossing.standing(crossing.Desk.AUTHORITY):
        entry = DocketEntry.objects.select_related("agency").get(case_id=case_id)
        with docket.opened(entry) as case:
            casework.take_up(case=case, by=_officer("authority"))
            casework.approve(case=case, by=_officer("authority"))


def _officer(agency: str, *, role: str = "reviewer") -> Any:
    """The first of the cast who works there in this role; one more agency has those of Beijing."""
    from review.workflow import Actor
    from tenants import crossing
    from tenants.models import User
    from tests.cast import STAFF

    like = agency if agency in (*AGENCIES, "authority") else AGENCIES[0]
    key, officer = next(
        (key, each) for key, each in STAFF.items() if each.agency == like and each.role.endswith(role)
    )
    with crossing.standing(crossing.Desk.OWNER):
        user = User.objects.get(username=f"{key}.{agency}")
    return Actor.staff(user, agency=_agency(agency), held=frozenset({officer.role}))


def _person(key: str) -> Any:
    from register.models import Person
    from tenants import crossing

    with crossing.standing(crossing.Desk.OWNER):
        return Person.objects.select_related("user").get(pk=key)


def _agency(code: str) -> Any:
    from tenants import crossing
    from tenants.models import Agency

    with crossing.standing(crossing.Desk.OWNER):
        return Agency.objects.get(code=code)


# --- Sessions and captchas -------------------------------------------------------------------------


def signed_in(*, person: str) -> str:
    """The key of a session in which this person has signed in at the applicant's desk."""
    from intake import signin
    from tenants import crossing

    request = _request(signin.APPLICANT_DESK, None)
    with crossing.standing(crossing.Desk.APPLICANT):
        signin.enter(request, user=signin.account_of(UUID(person)), person_id=UUID(person))
        request.session.save()
    return str(request.session.session_key)


def staff_in(*, username: str) -> str:
    """The key of a session in which somebody of the staff has signed in at the own desk."""
    from tenants import crossing, signin
    from tenants.models import User

    agency = _agency(username.partition(".")[2])
    desk = crossing.Desk.AUTHORITY if agency.is_authority else crossing.Desk.AGENCY
    with crossing.standing(crossing.Desk.OWNER):
        user = User.objects.get(username=username)
    request = _request(desk.value, agency)
    with crossing.standing(desk, None if agency.is_authority else agency):
        signin.enter(request, user)
        request.session.save()
    return str(request.session.session_key)


def _request(desk: str, agency: Any) -> Any:
    """A request as it arrives at this desk, with an empty session."""
    from django.http import HttpRequest

    request = HttpRequest()
    request.session = _session()
    request.META["REMOTE_ADDR"] = "127.0.0.1"
    request.desk, request.agency = desk, agency  # type: ignore[attr-defined]
    return request


def out_of_time(*, session: str, left: int = 0) -> None:
    """Let a session have been left alone for as long as it lasts, but for the seconds `left`."""
    from django.conf import settings

    from tenants import crossing
    from tenants.sessions import SEEN_KEY

    with crossing.standing(crossing.Desk.OWNER):
        store = _session(session)
        store[SEEN_KEY] = int(time.time()) - settings.SESSION_COOKIE_AGE + left
        store.save()


def _session(key: str = "") -> SessionBase:
    from django.conf import settings

    store: type[SessionBase] = import_module(settings.SESSION_ENGINE).SessionStore
    return store(key or None)


def captcha(*, key: str) -> str:
    """The digits of a captcha, as a person reads them from the picture."""
    from captcha.models import CaptchaStore

    from tenants import crossing

    with crossing.standing(crossing.Desk.APPLICANT):
        return str(CaptchaStore.objects.get(hashkey=key).response)


def code(*, username: str, new: bool = False) -> str:
    """What the authenticator app of somebody of the staff shows next, or the `new` one being set up."""
    from tenants import crossing
    from tenants.models import Authenticator

    with crossing.standing(crossing.Desk.OWNER):
        return Authenticator.objects.get(user__username=username, confirmed=not new).next_code()


def counter_code(*, person: str, number: str, agency: str = "beijing") -> str:
    """The one-time code that an officer of the agency gives somebody over the counter."""
    from review import counter
    from tenants import crossing
    from tenants.models import User

    owner, officer = _person(person), _officer(agency)
    with crossing.standing(crossing.Desk.AGENCY, _agency(agency)):
        by = User.objects.get(pk=officer.user_id)
        _issued, told = counter.issue(
            agency=_agency(agency), name=owner.name, document_type="01", number=number, reason="示例", by=by
        )
    return told


KNOWN: Final = (
    *(someone, opened, announced, certified, draft, lodged, lodged_many, pile, answered),
    *(asked_to_open, asked_to_merge),
    *(signed_in, staff_in, out_of_time, captcha, code, counter_code),
)
VERBS: Final[dict[str, Callable[..., Any]]] = {verb.__name__: verb for verb in KNOWN}


# --- The process -----------------------------------------------------------------------------------


def serve() -> None:
    """Lay the ground, then answer line by line until nobody asks any more."""
    import django
    from django.db import connection

    # Answers go out alone: whatever else is printed goes to the log.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    django.setup()
    lay_ground()
    print(json.dumps({"answer": "ready"}), file=answers, flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        try:
            told = {"answer": VERBS[asked["do"]](**asked["with"])}
        except Exception:  # the one who asked shall see it
            told = {"error": traceback.format_exc()}
        # Servers may fall and rise between two questions.
        connection.close()
        print(json.dumps(told), file=answers, flush=True)


if __name__ == "__main__":
    serve()
