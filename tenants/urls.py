"""What of an account stands at the applicant's desk, whatever it is used for there."""

from django.urls import path

from tenants import session_pages as pages

urlpatterns = [
    path("account/sessions/", pages.sessions, name="sessions"),
    path("account/sessions/others/end/", pages.other_sessions, name="other-sessions"),
    path("account/sessions/<slug:mark>/end/", pages.session_end, name="session-end"),
]
