"""The notice board at the applicant's desk."""

from django.urls import path

from notifications import views

urlpatterns = [
    path("notices/", views.notices, name="notices"),
    path("notices/board", views.board, name="notice_board"),
    path("notices/read", views.read_all, name="notices_read"),
    path("notices/<int:notice_id>/read", views.read, name="notice_read"),
]
