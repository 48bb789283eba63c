"""What the house says when it cannot do what was asked."""

from __future__ import annotations

from django.utils.functional import Promise


class Refusal(Exception):
    """An act the rules do not allow, with a sentence for the person who asked. Never a server error."""

    def __init__(self, message: str | Promise, code: str = "refused") -> None:
        super().__init__(message)
        self.message = message
        self.code = code

    def __str__(self) -> str:
        return str(self.message)
