"""The applicant's desk for tests: a complete form, a portrait, and a browser without a screen."""

from __future__ import annotations

import re
from io import BytesIO
from typing import Any

from captcha.models import CaptchaStore
from django.conf import settings
from django.http import HttpRequest
from django.test import Client
from PIL import Image, ImageDraw

from intake import filing, photos, signin
from intake.filing import Entries
from intake.flows import Section
from intake.models import Application
from register.models import Kind, Person
from tenants import crossing
from tenants.crossing import Desk
from tenants.models import Agency
from tenants.session_store import SessionStore
from tests.cast import PASSWORD

HOST = "localhost"
PERSONAL: dict[str, Any] = {
    "education": "21",
    "degree": "4",
    "school": "示例理工大学",
    "major": "安全工程",
    "graduation_date": "2012-06",
    "study_mode": "1",
    "title": "",
    "title_name": "",
    "post": "",
    "mobile": "13800005678",
    "email": "zhang@example.cn",
    "phone": "",
    "address": "",
    "postcode": "",
}
REGISTRATION: dict[str, Any] = {"category": "A5"}
EMPLOYER: dict[str, Any] = {
    "name": "北京示例化工有限公司",
    "code": "91110000MA00000152",
    "attribute": "04",
    "ownership": "",
    "industry": "",
    "group": "",
    "legal_representative": "",
    "province": "11",
    "city": "北京市",
    "district": "朝阳区",
    "address": "示例路1号",
    "postcode": "100020",
    "headcount": "",
    "contact": "李示例",
    "phone": "010-00000001",
    "email": "",
    "post": "安全管理",
    "contract_from": "2024-01-01",
    "contract_to": "2039-12-31",
    "contract_open_ended": False,
}
EXPERIENCE: dict[str, Any] = {
    "from": "2014-07",
    "to": "",
    "employer": "北京示例化工有限公司",
    "post": "安全员",
    "work": "1",
    "witness": "",
    "witness_phone": "",
}
DECLARATION: dict[str, Any] = {"delivery": "1", "agreed": True}


def portrait(
    width: int = 590, height: int = 826, *, ground: str = "white", format: str = "JPEG", quality: int = 95
) -> bytes:
    """A synthetic portrait, noisy enough to be no tiny file."""
    image = Image.new("RGB", (width, height), ground)
    drawn = ImageDraw.Draw(image)
    drawn.ellipse((width // 3, height // 4, 2 * width // 3, height // 2), fill=(230, 200, 180))
    noise = Image.effect_noise((width, height), 40).convert("RGB")
    out = BytesIO()
    Image.blend(image, noise, 0.08).save(out, format, quality=quality, comment=b"a comment")
    return out.getvalue()


def started(person: Person, kind: Kind = Kind.INITIAL) -> Application:
    """A fresh draft; stand at the person's desk."""
    return filing.start(person=person, kind=kind)


def add_row(*, application: Application, section: Section, row: dict[str, Any]) -> Application:
    """添加: one more row in a list."""
    return filing.save(application=application, entries=Entries(rows={section: row}))


def attach_photo(*, application: Application, upload: bytes) -> None:
    """上传照片."""
    kept = filing.save(application=application, entries=Entries(portrait=photos.read(upload)))
    application.photo = kept.photo


def filled(person: Person, agency: Agency, kind: Kind = Kind.INITIAL) -> Application:
    """A draft complete but for nothing; stand at the person's desk."""
    draft = filing.choose_agency(application=started(person, kind), agency=agency)
    for section, data in (
        (Section.PERSONAL, PERSONAL),
        (Section.REGISTRATION, REGISTRATION),
        (Section.EMPLOYER, EMPLOYER),
        (Section.DECLARATION, DECLARATION),
    ):
        filing.save_step(application=draft, section=section, data=data)
    add_row(application=draft, section=Section.EXPERIENCE, row=EXPERIENCE)
    attach_photo(application=draft, upload=portrait())
    found = filing.application_of(person, draft.pk)
    assert found is not None
    return found


def set_password(person: Person) -> None:
    person.user.set_password(PASSWORD)
    person.user.save(update_fields=["password"])


def browser() -> Client:
    return Client(HTTP_HOST=HOST)


def captcha(client: Client, path: str) -> dict[str, str]:
    """The captcha of a page, answered as a reader of its picture would."""
    key = re.search(r'name="captcha_0" value="(\w+)"', client.get(path).content.decode())
    assert key is not None, path
    return {"captcha_0": key[1], "captcha_1": CaptchaStore.objects.get(hashkey=key[1]).response}


def signed_in(person: Person, number: str, *, new_password: bool = True) -> Client:
    """A browser in which this person has signed in; a second one beside it needs no new password."""
    if new_password:
        set_password(person)
    client = browser()
    given = {"document_type": "01", "number": number, "password": PASSWORD, **captcha(client, "/")}
    answer = client.post("/", given)
    assert answer.status_code == 302, answer.content.decode()
    return client


def entered(person: Person) -> Client:
    """A browser in whose session this person is signed in already."""
    client = browser()
    request = HttpRequest()
    request.META["REMOTE_ADDR"] = "127.0.0.1"
    request.desk, request.agency = signin.APPLICANT_DESK, None  # type: ignore[attr-defined]
    request.session = SessionStore()
    with crossing.standing(Desk.APPLICANT):
        signin.enter(request, user=signin.account_of(person.pk), person_id=person.pk)
        request.session.save()
    client.cookies[settings.SESSION_COOKIE_NAME] = str(request.session.session_key)
    return client


def posted(section: Section, data: dict[str, Any]) -> dict[str, Any]:
    """Stored values as a browser would post them: a box not ticked is not sent."""
    return {f"{section}-{name}": value for name, value in data.items() if value is not False}


def words(html: bytes) -> str:
    """A page's text without tags."""
    text = re.sub(r"<(script|style|svg)[\s\S]*?</\1>", " ", html.decode())
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text))
