"""What every host serves: language, appearance, health, captcha."""

from django.urls import include, path
from django.views.i18n import set_language

from portal import views
from tenants.guards import public

urlpatterns = [
    path("language/", public(set_language), name="set_language"),
    path("appearance/", views.appearance, name="appearance"),
    path("health/live", views.live, name="health-live"),
    path("health/ready", views.ready, name="health-ready"),
    path("captcha/", include("captcha.urls")),
]

handler400 = "portal.views.bad_request"
handler403 = "portal.views.forbidden"
handler404 = "portal.views.not_found"
handler500 = "portal.views.server_error"
