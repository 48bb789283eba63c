"""The notices at the applicant's desk. The board itself, `notice_board`, stands in `intake.urls`."""

from django.urls import path

from notifications import views

urlpatterns = [
    path("notices/", views.notices, name="notices"),
    path("notices/read", views.read_all, name="notices_read"),
    path("notices/<int:notice_id>/read", views.read, name="notice_read"),
]
