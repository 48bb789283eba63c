"""Digits read aloud in Mandarin, for those who cannot see the picture of a captcha.

espeak-ng speaks; its library and its data for Mandarin come with `espeakng-loader`. Voice, pitch, speed, the
pauses between the digits and the noise below them are drawn anew for every reading, so that no two are alike.
"""

from __future__ import annotations

import ctypes
import io
import random
import sys
import wave
from array import array
from dataclasses import dataclass, field
from operator import add
from threading import Lock
from typing import Any, ClassVar, Final

import espeakng_loader

NAMES: Final = dict(zip("0123456789", "零一二三四五六七八九", strict=True))
VOICES: Final = ("cmn", "cmn+f2", "cmn+f4", "cmn+m3", "cmn+m7")
WORDS_A_MINUTE: Final = (95, 125)
PITCH: Final = (35, 65)
PAUSE_SECONDS: Final = (0.35, 0.8)
BETWEEN_READINGS_SECONDS: Final = (1.0, 1.4)
# In percent: leaves room for the hiss.
LOUDNESS: Final = 60

# speak_lib.h: samples come back to a callback before the call returns; parameters go by number.
_SYNCHRONOUS: Final = 2
_DONT_EXIT: Final = 0x8000
_RATE, _VOLUME, _PITCH = 1, 2, 3
_UTF8: Final = 1

_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)


class Silent(RuntimeError):
    """The library cannot be loaded or does not speak Mandarin."""


@dataclass
class _Speaker:
    """The library as this process has loaded it. It speaks for one at a time."""

    library: ctypes.CDLL
    rate: int
    heard: array[int] = field(default_factory=lambda: array("h"))
    lock: Lock = field(default_factory=Lock)
    listener: Any = None

    _known: ClassVar[_Speaker | None] = None
    _loading: ClassVar[Lock] = Lock()

    @classmethod
    def here(cls) -> _Speaker:
        """The one speaker of this process, loaded when first asked for. Raises Silent."""
        with cls._loading:
            if cls._known is None:
                cls._known = cls._loaded()
            return cls._known

    @classmethod
    def _loaded(cls) -> _Speaker:
        try:
            library = ctypes.CDLL(espeakng_loader.get_library_path())
            data = espeakng_loader.get_data_path().encode()
        except (OSError, RuntimeError) as error:
            raise Silent("espeak-ng cannot be loaded.") from error
        rate = library.espeak_Initialize(_SYNCHRONOUS, 0, data, _DONT_EXIT)
        if rate <= 0:
            raise Silent("espeak-ng does not start.")
        speaker = cls(library, rate)
        speaker.listener = _Callback(speaker._hear)
        library.espeak_SetSynthCallback(speaker.listener)
        return speaker

    def _hear(self, samples: Any, count: int, _events: Any) -> int:
        if samples and count > 0:
            self.heard.frombytes(ctypes.string_at(samples, count * 2))
        return 0

    def choose(self, voice: str, *, speed: int, pitch: int) -> None:
        if self.library.espeak_SetVoiceByName(voice.encode()) != 0:
            raise Silent(f"espeak-ng has no voice {voice}.")
        self.library.espeak_SetParameter(_RATE, speed, 0)
        self.library.espeak_SetParameter(_PITCH, pitch, 0)
        self.library.espeak_SetParameter(_VOLUME, LOUDNESS, 0)

    def say(self, word: str) -> array[int]:
        """The samples of one word."""
        self.heard = array("h")
        text = word.encode() + b"\0"
        self.library.espeak_Synth(text, len(text), 0, 0, 0, _UTF8, None, None)
        return self.heard


def read_aloud(digits: str) -> bytes:
    """The digits as a WAV file, read twice; another one at every call. Raises Silent.

    Neither the header nor anything else in the file names the digits.
    """
    chance = random.SystemRandom()
    speaker = _Speaker.here()
    with speaker.lock:
        speaker.choose(
            chance.choice(VOICES), speed=chance.randint(*WORDS_A_MINUTE), pitch=chance.randint(*PITCH)
        )
        words = [speaker.say(NAMES[digit]) for digit in digits]
        slower = [speaker.say(NAMES[digit]) for digit in digits]

    def pause(bounds: tuple[float, float]) -> array[int]:
        return array("h", bytes(2 * int(speaker.rate * chance.uniform(*bounds))))

    samples = pause(PAUSE_SECONDS)
    for reading in (words, slower):
        for word in reading:
            samples += word + pause(PAUSE_SECONDS)
        samples += pause(BETWEEN_READINGS_SECONDS)
    return _wav(_with_noise(samples), speaker.rate)


def _with_noise(samples: array[int]) -> array[int]:
    """The same with a soft hiss below, so that pauses are not cut out by looking for zeros."""
    hiss = array("b", random.SystemRandom().randbytes(len(samples)))
    return array("h", map(add, samples, hiss))


def _wav(samples: array[int], rate: int) -> bytes:
    if sys.byteorder == "big":
        samples.byteswap()
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes(samples.tobytes())
    return file.getvalue()
