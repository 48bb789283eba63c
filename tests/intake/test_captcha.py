"""The captcha: digits in a picture, and read aloud in Mandarin for those who cannot see it."""

from __future__ import annotations

import io
import re
import statistics
import time
import wave
from array import array
from datetime import timedelta
from io import BytesIO
from itertools import pairwise
from math import dist
from typing import Any

import pytest
from captcha.models import CaptchaStore
from django.test import Client
from django.utils import timezone
from PIL import Image

from intake import voice
from tests.intake.desk import browser, captcha

pytestmark = pytest.mark.django_db


def samples(recording: bytes) -> array[int]:
    with wave.open(io.BytesIO(recording)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 22050)
        return array("h", file.readframes(file.getnframes()))


def loudness(heard: array[int]) -> float:
    return statistics.fmean(abs(sample) for sample in heard[:: max(1, len(heard) // 20_000)])


def widget(client: Client, path: str = "/") -> tuple[str, str]:
    """Key and page of a captcha."""
    page = client.get(path).content.decode()
    found = re.search(r'name="captcha_0" value="(\w+)"', page)
    assert found is not None
    return found[1], page


# --- The voice ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("digit", "0123456789")
def test_every_digit_is_heard(digit: str) -> None:
    speaker = voice._Speaker.here()
    with speaker.lock:
        speaker.choose("cmn", speed=110, pitch=50)
        heard = speaker.say(voice.NAMES[digit])
    assert 0.2 < len(heard) / speaker.rate < 1.2
    assert loudness(heard) > 300


def shape(heard: array[int], parts: int = 24) -> list[float]:
    """How loud and how high it sounds from part to part."""
    size = max(1, len(heard) // parts)
    pieces = [heard[at * size : (at + 1) * size] for at in range(parts)]
    loud = [statistics.fmean(map(abs, piece)) / 3000 for piece in pieces]
    high = [sum((a < 0) != (b < 0) for a, b in pairwise(piece)) / size * 20 for piece in pieces]
    return loud + high


def test_each_digit_sounds_like_itself_and_unlike_the_others() -> None:
    speaker = voice._Speaker.here()
    with speaker.lock:
        speaker.choose("cmn", speed=110, pitch=50)
        once = {digit: shape(speaker.say(name)) for digit, name in voice.NAMES.items()}
        again = {digit: shape(speaker.say(name)) for digit, name in voice.NAMES.items()}
    nearest = {digit: min(once, key=lambda other: dist(once[other], again[digit])) for digit in again}
    assert nearest == {digit: digit for digit in voice.NAMES}


@pytest.mark.parametrize("name", voice.VOICES)
def test_every_voice_is_there_and_speaks(name: str) -> None:
    speaker = voice._Speaker.here()
    with speaker.lock:
        speaker.choose(name, speed=125, pitch=65)
        peaks = [max(map(abs, speaker.say(word))) for word in voice.NAMES.values()]
    assert min(peaks) > 2000
    # Room for the hiss.
    assert max(peaks) < 32_000


def test_a_voice_that_is_not_there_is_a_fault() -> None:
    speaker = voice._Speaker.here()
    with speaker.lock, pytest.raises(voice.Silent):
        speaker.choose("zz-nobody", speed=110, pitch=50)


def test_no_two_readings_are_alike() -> None:
    readings = {voice.read_aloud("3710") for _ in range(5)}
    assert len(readings) == 5
    assert len({len(reading) for reading in readings}) > 1


def test_a_reading_is_quick() -> None:
    voice.read_aloud("0000")
    taken = []
    for number in ("1234", "5678", "9012"):
        begun = time.thread_time()
        voice.read_aloud(number)
        taken.append(time.thread_time() - begun)
    assert min(taken) < 0.3


# --- Its address -------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["localhost", "beijing.localhost", "authority.localhost"])
def test_a_captcha_is_read_aloud_on_every_host(db: None, host: str) -> None:
    key = CaptchaStore.generate_key()
    answer = Client(HTTP_HOST=host).get(f"/captcha/voice/{key}/")
    assert (answer.status_code, answer["Content-Type"]) == (200, "audio/wav")
    assert "no-store" in answer["Cache-Control"]
    assert "Content-Disposition" not in answer
    assert loudness(samples(answer.content)) > 200


def test_neither_address_nor_answer_names_the_digits(db: None) -> None:
    key, page = widget(browser())
    digits = CaptchaStore.objects.get(hashkey=key).response
    answer = browser().get(f"/captcha/voice/{key}/")
    assert f'href="/captcha/voice/{key}/"' in page
    assert digits.encode() not in answer.content[:100]
    assert digits not in str(answer.headers)


@pytest.mark.parametrize("method", ["get", "head"])
def test_a_used_or_expired_captcha_is_silent(db: None, method: str) -> None:
    ask = getattr(browser(), method)
    key = CaptchaStore.generate_key()
    CaptchaStore.objects.filter(hashkey=key).update(expiration=timezone.now() - timedelta(seconds=1))
    assert ask(f"/captcha/voice/{key}/").status_code == 410
    assert ask("/captcha/voice/unknown/").status_code == 410


def test_without_the_library_the_page_still_works(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(digits: str) -> bytes:
        raise voice.Silent("no library")

    monkeypatch.setattr(voice, "read_aloud", silent)
    key, _page = widget(browser())
    assert browser().get(f"/captcha/voice/{key}/").status_code == 404


# --- The picture -------------------------------------------------------------------------------------


def test_the_picture_is_drawn_at_twice_its_size_on_the_page(db: None) -> None:
    key, page = widget(browser())
    image = Image.open(BytesIO(browser().get(f"/captcha/image/{key}/").content))
    width, height = (
        int(size) for size in re.findall(r'(?:width|height)="(\d+)"', page[page.index("captcha-image") :])[:2]
    )
    assert image.size == (2 * width, 2 * height)


def test_another_picture_comes_with_another_key(db: None) -> None:
    client = browser()
    key, _page = widget(client)
    fresh: dict[str, Any] = client.get("/captcha/refresh/", HTTP_X_REQUESTED_WITH="XMLHttpRequest").json()
    assert fresh["key"] != key
    assert client.get(f"/captcha/voice/{fresh['key']}/").status_code == 200


def test_a_captcha_serves_once(db: None) -> None:
    client = browser()
    given = captcha(client, "/registrations/")
    asked = {"name": "张测", "number": "26001000001", **given}
    assert "没有查到" in client.post("/registrations/", asked).content.decode()
    assert "验证码不正确或已过期" in client.post("/registrations/", asked).content.decode()
