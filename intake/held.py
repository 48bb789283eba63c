"""Nothing typed is lost when a session ends: what arrives too late is held until its author is back.

A form of an application that is posted by nobody signed in is neither saved nor thrown away. Its values
stand sealed in the visitor's new session; after signing in, the person whose application it is finds them
in the form again, unsaved, and everybody else's session loses them. Files are not held. Only a browser in
which somebody was signed in before has anything held: it carries a signed mark of that.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any, Final

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import SESSION_KEY
from django.contrib.auth.views import redirect_to_login
from django.core import signing
from django.http import HttpRequest, HttpResponse, JsonResponse, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, resolve_url
from django.utils.translation import gettext as _

from intake import filing, signin
from tenants import crypto
from tenants.sessions import in_background

# Typed while nobody was signed in; and given back to the person whose application it is. Both by path.
HELD_KEY: Final = "held"
FOUND_KEY: Final = "found"
# The pages of an application with something to type, by the names of their addresses.
PAGES: Final = frozenset({"step", "row", "correction"})
# Somebody was signed in in this browser: its sessions may end with something typed.
MARK: Final = "been"
MARK_SALT: Final = "intake.held"
# A page left open over a long weekend is still given back; the mark is made anew halfway.
MARK_SECONDS: Final = 7 * 24 * 3600
MOST_BYTES: Final = 64 * 1024
MOST_PAGES: Final = 3
# What a form carries beside what was typed: its token, its button, the agency chosen with one click.
NOT_TYPED: Final = frozenset({"csrfmiddlewaretoken", "go", "agency"})

Pages = dict[str, dict[str, str]]


class TooMuch(ValueError):
    """More was typed than is held: no form of an application takes so much."""


class HeldMiddleware:
    """At the applicant's desk, holds what nobody may save yet, and gives it back to whom it belongs."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if _is_here(request) and not _marked(request, within=MARK_SECONDS // 2):
            response.set_cookie(
                MARK,
                mark(),
                max_age=MARK_SECONDS,
                httponly=True,
                secure=settings.SESSION_COOKIE_SECURE,
                samesite="Lax",
            )
        return response

    def process_view(self, request: HttpRequest, *view: Any) -> HttpResponseBase | None:
        """Here the form is known to come from this site, and to which page it belongs."""
        if getattr(request, "desk", "") != "applicant":
            return None
        if not request.user.is_authenticated:
            return _held(request) if request.method == "POST" and _application_of(request) else None
        _settle(request)
        if request.method == "POST" and not in_background(request):
            _let_go(request)
        return None


def _is_here(request: HttpRequest) -> bool:
    return getattr(request, "desk", "") == "applicant" and SESSION_KEY in request.session


def mark() -> str:
    """What a browser keeps in which somebody was signed in; it tells nothing of whom."""
    return signing.TimestampSigner(salt=MARK_SALT).sign("1")


def _marked(request: HttpRequest, *, within: int) -> bool:
    try:
        signing.TimestampSigner(salt=MARK_SALT).unsign(request.COOKIES.get(MARK, ""), max_age=within)
    except signing.BadSignature:
        return False
    return True


def typed(request: HttpRequest) -> QueryDict | None:
    """What was posted to this page; else what its author had typed when the session ended, and a word on it.

    None where there is neither. What is given back is not saved: it stays until the page is posted.
    """
    if request.method == "POST":
        return request.POST
    pages: Pages = request.session.get(FOUND_KEY, {})
    if request.path not in pages:
        return None
    try:
        known = json.loads(crypto.decrypt(base64.b64decode(pages[request.path]["sealed"])))
    except ValueError:
        # Sealed under a key that has been taken out of use.
        _let_go(request)
        return None
    _say_found(request, files=known["files"])
    data = QueryDict(mutable=True)
    for name, values in known["fields"]:
        data.setlist(name, values)
    return data


def given_back(request: HttpRequest) -> bool:
    """Whether this page shows what was typed before the session ended, and has not been saved yet."""
    return request.method != "POST" and request.path in request.session.get(FOUND_KEY, {})


def rescued(request: HttpRequest) -> HttpResponseBase | None:
    """What becomes of a form of this site with an old token: its author signed in anew in another window.

    It is shown again, unsaved. None where there is nothing to rescue, or where it may come from elsewhere.
    """
    own = f"{request.scheme}://{request.get_host()}"
    if request.headers.get("origin") != own or in_background(request):
        return None
    if getattr(request, "desk", "") != "applicant" or _application_of(request) is None:
        return None
    if not request.user.is_authenticated:
        return _held(request)
    try:
        _hold(request)
    except TooMuch:
        return None
    _settle(request)
    return redirect(request.path)


# --- Holding ---------------------------------------------------------------------------------------


def _application_of(request: HttpRequest) -> str | None:
    """The application to whose form this address belongs; None for every other page."""
    match = request.resolver_match
    if match is None or match.url_name not in PAGES:
        return None
    return str(match.kwargs["application_id"])


def _held(request: HttpRequest) -> HttpResponseBase:
    """Hold what was typed and lead to signing in, and from there back to this very page."""
    try:
        held = _hold(request)
    except TooMuch:
        told = _("登录已结束，请重新登录。刚才提交的内容过长，未能暂存。")
    else:
        told = (
            _("登录已结束，请重新登录。刚才填写的内容已暂存，登录后自动找回。")
            if held
            else _("登录已结束，请重新登录。")
        )
    if in_background(request):
        return JsonResponse({}, status=401)
    messages.warning(request, told)
    if request.FILES:
        messages.warning(request, _("所选的文件没有暂存，登录后请重新选择。"))
    return redirect_to_login(request.path, resolve_url(settings.LOGIN_URL))


def _hold(request: HttpRequest) -> bool:
    """Seal what was typed into the session; False when nothing was, or nobody was here before.

    Raises `TooMuch`. Of several pages the latest are held.
    """
    if not (request.user.is_authenticated or _marked(request, within=MARK_SECONDS)):
        return False
    fields = [(name, values) for name, values in request.POST.lists() if name not in NOT_TYPED]
    if not any(value.strip() for _name, values in fields for value in values):
        return False
    text = json.dumps({"fields": fields, "files": bool(request.FILES)})
    if len(text) > MOST_BYTES:
        raise TooMuch
    pages: Pages = request.session.get(HELD_KEY, {})
    pages.pop(request.path, None)
    sealed = base64.b64encode(crypto.encrypt(text)).decode()
    pages[request.path] = {"application": _application_of(request) or "", "sealed": sealed}
    request.session[HELD_KEY] = dict(list(pages.items())[-MOST_PAGES:])
    return True


# --- Giving back -----------------------------------------------------------------------------------


def _settle(request: HttpRequest) -> None:
    """Give what is held to the person signed in, if the application is theirs; else it is dropped."""
    held: Pages = request.session.pop(HELD_KEY, {})
    if not held:
        return
    named = {page["application"] for page in held.values()}
    own = filing.applications_of(signin.person_of(request)).filter(pk__in=named)
    mine = {str(key) for key in own.values_list("pk", flat=True)}
    back = {path: page for path, page in held.items() if page["application"] in mine}
    if back:
        request.session[FOUND_KEY] = {**request.session.get(FOUND_KEY, {}), **back}


def _let_go(request: HttpRequest) -> None:
    """The page was posted by its author: what was held for it is no longer needed."""
    pages: Pages = request.session.get(FOUND_KEY, {})
    if request.path in pages:
        request.session[FOUND_KEY] = {path: page for path, page in pages.items() if path != request.path}


def _say_found(request: HttpRequest, *, files: bool) -> None:
    step = request.resolver_match is not None and request.resolver_match.url_name == "step"
    told = (
        _("会话结束前填写的内容已找回，请核对后点击下一步。")
        if step
        else _("会话结束前填写的内容已找回，请核对后再提交。")
    )
    messages.info(request, told)
    if files:
        messages.warning(request, _("当时选择的文件没有保留，请重新选择。"))
