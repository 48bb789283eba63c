"""Two addresses that every desk has."""

from django.http import HttpRequest, HttpResponse
from django.urls import path


def page(request: HttpRequest) -> HttpResponse:
    return HttpResponse()


urlpatterns = [path("", page, name="home"), path("signin/", page, name="signin")]
