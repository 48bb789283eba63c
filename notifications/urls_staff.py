"""The notice board at the agencies' desks and the authority's: the same names, the staff's guard."""

from django.urls import path

from notifications import views

urlpatterns = [
    path("notices/", views.staff_notices, name="notices"),
    path("notices/board", views.staff_board, name="notice_board"),
    path("notices/read", views.staff_read_all, name="notices_read"),
    path("notices/<int:notice_id>/read", views.staff_read, name="notice_read"),
]
