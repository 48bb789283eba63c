"""The same pages of an account at the agencies' desks and the authority's, behind the staff's guard."""

from django.urls import path

from tenants import session_pages as pages

urlpatterns = [
    path("account/sessions/", pages.staff_sessions, name="sessions"),
    path("account/sessions/others/end/", pages.staff_other_sessions, name="other-sessions"),
    path("account/sessions/<slug:mark>/end/", pages.staff_session_end, name="session-end"),
]
