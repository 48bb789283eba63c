"""Pages that belong to every desk: errors, appearance, language, the session's end, health."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.http.response import HttpResponseBase
from django.middleware.csrf import get_token
from django.shortcuts import render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views import i18n
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from redis.exceptions import RedisError

from intake import held
from portal.context import calendar_missing
from tenants import sessions
from tenants.guards import public
from tenants.models import User

SIZES = frozenset({"normal", "large", "larger"})
YEAR = 365 * 24 * 3600


@public
@require_POST
def appearance(request: HttpRequest) -> HttpResponse:
    """Remember text size and contrast in cookies; it works without JavaScript and without an account."""
    target = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(target, allowed_hosts=None):
        target = "/"
    response = HttpResponseRedirect(target)
    size = request.POST.get("size", "")
    if size in SIZES:
        response.set_cookie("size", size, max_age=YEAR, samesite="Lax", httponly=True, secure=settings.HTTPS)
    if "contrast" in request.POST:
        high = "high" if request.POST["contrast"] == "high" else "normal"
        response.set_cookie(
            "contrast", high, max_age=YEAR, samesite="Lax", httponly=True, secure=settings.HTTPS
        )
    return response


@public
@require_POST
def set_language(request: HttpRequest) -> HttpResponse:
    """Switch the language: in a cookie, and on the account, so that e-mails come in it too."""
    response = i18n.set_language(request)
    language = request.POST.get("language", "")
    if request.user.is_authenticated and language in dict(settings.LANGUAGES):
        User.objects.filter(pk=request.user.pk).exclude(language=language).update(language=language)
    return response


@public
@never_cache
@require_http_methods(["GET", "POST"])
def session(request: HttpRequest) -> HttpResponse:
    """How long the session lasts yet, asked by an open page; posting is use and lets it go on.

    The token serves the forms of a page whose owner signed in anew in another window.
    """
    left = sessions.seconds_left(request) if request.user.is_authenticated else 0
    return JsonResponse({"left": left, "whose": sessions.whose(request), "token": get_token(request)})


@public
@require_safe
@never_cache
def live(request: HttpRequest) -> HttpResponse:
    """The process answers; nothing else is asked."""
    return HttpResponse("ok", content_type="text/plain")


@public
@require_safe
@never_cache
def ready(request: HttpRequest) -> HttpResponse:
    """Whether the parts this process needs answer. 503 while the database does not.

    Without the cache, or without next year's holidays, the portal works but somebody should look: yellow.
    """
    parts = {"database": _database_answers(), "cache": _cache_answers()}
    parts["calendar"] = parts["database"] and calendar_missing() is None
    colour = "red" if not parts["database"] else "green" if all(parts.values()) else "yellow"
    return JsonResponse({"health": colour, **parts}, status=200 if parts["database"] else 503)


def _database_answers() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return False
    return True


def _cache_answers() -> bool:
    try:
        cache.get("health")
    except (OSError, RedisError):
        return False
    return True


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponseBase:
    """The page was too old; a form of an application is shown again with what was typed into it."""
    return held.rescued(request) or render(request, "errors/403_csrf.html", status=403)


def locked_out(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
    """Too many failed sign-ins. The answer is the same whether the account exists or not."""
    return render(request, "errors/429.html", status=429)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """What was sent cannot be read, or is more than a form of this portal holds."""
    return render(request, "errors/400.html", status=400)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return render(request, "errors/404.html", status=404)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    return render(request, "errors/403.html", status=403)


def server_error(request: HttpRequest) -> HttpResponse:
    return render(None, "errors/500.html", status=500)
