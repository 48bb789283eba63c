"""The digits of a captcha read aloud; served on every host, as its picture is."""

from __future__ import annotations

from http import HTTPStatus

from captcha.models import CaptchaStore
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from intake import voice
from tenants.guards import public


@public
@never_cache
@require_safe
def captcha_voice(request: HttpRequest, key: str) -> HttpResponse:
    """The digits in Mandarin, another recording at each request; 410 once the captcha is used or too old."""
    store = CaptchaStore.objects.filter(hashkey=key, expiration__gt=timezone.now()).first()
    if store is None:
        return HttpResponse(status=HTTPStatus.GONE)
    try:
        recording = voice.read_aloud(store.challenge)
    except voice.Silent as error:
        raise Http404 from error
    return HttpResponse(recording, content_type="audio/wav")
