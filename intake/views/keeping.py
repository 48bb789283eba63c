"""Saving while one types: a page posts `go=keep` by itself, and is told what is saved and when."""

from __future__ import annotations

from typing import Final

from django import forms
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.formats import date_format
from django.utils.timezone import localtime

from intake.models import Application
from tenants.errors import Refusal
from tenants.sessions import in_background

# What a form posts as `go` when nobody pressed a button.
KEEP: Final = "keep"


def kept(request: HttpRequest, application: Application, *, whole: bool) -> HttpResponse | None:
    """The answer to a page that saved by itself: when, and whether all that was typed is saved.

    None for a form that was sent by hand: it is shown again.
    """
    if not in_background(request):
        return None
    application.refresh_from_db(fields=["saved_at"])
    at = date_format(localtime(application.saved_at), "H:i")
    return JsonResponse({"saved_at": at, "whole": whole})


def not_kept(no: Refusal) -> HttpResponse:
    """Nothing was saved, and asking again would not help: the application is no draft any more."""
    return JsonResponse({"message": str(no.message)}, status=409)


def says_all(form: forms.Form) -> bool:
    """Whether everything typed into a form is right, and so may be stored; what is blank does not count."""
    return not any(_typed(form, name) for name in form.errors)


def _typed(form: forms.Form, name: str) -> bool:
    return name in form.fields and bool(form[name].value())
