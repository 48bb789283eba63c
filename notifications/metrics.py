"""The figures of the post room for a Prometheus server, which shows its token."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry, Gauge, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from notifications import post_office
from notifications.post_office import Standing
from tenants.guards import public

# A figure of another room: its name, what it says, and its value.
Figures = Mapping[str, tuple[str, float]]


def page_of(others: Callable[[], Figures]) -> Callable[[HttpRequest], HttpResponseBase]:
    """The page of the metrics: how the post stands, and the figures that other rooms have beside it."""

    @public
    @never_cache
    @require_safe
    def metrics(request: HttpRequest) -> HttpResponse:
        """For whoever shows the token of the settings; nobody else learns of this page."""
        if not _shows_token(request):
            raise Http404
        text = exposition(post_office.standing(), others())
        return HttpResponse(text, content_type=CONTENT_TYPE_LATEST)

    return metrics


def _shows_token(request: HttpRequest) -> bool:
    scheme, _blank, token = request.headers.get("Authorization", "").partition(" ")
    wanted = settings.METRICS_TOKEN
    fits = constant_time_compare(token.strip(), wanted or "none is set")
    return bool(wanted) and fits and scheme.lower() == "bearer"


def exposition(standing: Standing, others: Figures) -> bytes:
    """The figures in the text format of Prometheus."""
    registry = CollectorRegistry()

    def gauge(name: str, says: str, *labels: str) -> Gauge:
        return Gauge(f"portal_notices_{name}", says, labels, registry=registry)

    oldest = gauge("oldest_undelivered_seconds", "How long the oldest undelivered one waits.", "channel")
    waiting = gauge("waiting", "Posted and not yet delivered.", "channel")
    dead = gauge("dead", "Given up after many attempts.", "channel")
    sent = gauge("sent_last_hour", "Delivered in the last hour, of the latest 5000.", "channel")
    lag = gauge("lag_seconds", "From posted to delivered, in the last hour.", "channel", "quantile")
    for figures in standing.ways:
        name = post_office.name_of(figures.way)
        oldest.labels(name).set(standing.waits_of(figures))
        waiting.labels(name).set(figures.waiting)
        dead.labels(name).set(figures.dead)
        sent.labels(name).set(figures.sent)
        for quantile, value in (("0.5", figures.p50), ("0.95", figures.p95)):
            if value is not None:
                lag.labels(name, quantile).set(value)
    if standing.swept_seconds is not None:
        gauge("swept_seconds", "How long ago the sweep last came round.").set(standing.swept_seconds)
    for name, (says, value) in others.items():
        Gauge(f"portal_{name}", says, registry=registry).set(value)
    return generate_latest(registry)
