"""What every host serves: language, appearance, the session's end, health, captcha."""

from django.urls import include, path

from intake.views.captcha import captcha_voice
from portal import views

urlpatterns = [
    path("language/", views.set_language, name="set_language"),
    path("appearance/", views.appearance, name="appearance"),
    path("session/", views.session, name="session"),
    path("health/live", views.live, name="health-live"),
    path("health/ready", views.ready, name="health-ready"),
    path("captcha/voice/<slug:key>/", captcha_voice, name="captcha-voice"),
    path("captcha/", include("captcha.urls")),
]

handler400 = "portal.views.bad_request"
handler403 = "portal.views.forbidden"
handler404 = "portal.views.not_found"
handler500 = "portal.views.server_error"
