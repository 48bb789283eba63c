"""The applicant's and public desk, on the main host."""

from django.urls import include, path

from portal.urls_common import *  # noqa: F403 - the error handlers stand there as well
from portal.urls_common import urlpatterns as common

urlpatterns = [
    path("", include("intake.urls")),
    path("", include("notifications.urls")),
    path("", include("tenants.urls")),
    *common,
]
