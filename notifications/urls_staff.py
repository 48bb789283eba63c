"""The notice board at the agencies' desks and the authority's: the same names, the staff's guard."""

from django.urls import path

from notifications import account_pages, views

urlpatterns = [
    path("notices/", views.staff_notices, name="notices"),
    path("notices/board", views.staff_board, name="notice_board"),
    path("notices/read", views.staff_read_all, name="notices_read"),
    path("notices/<int:notice_id>/read", views.staff_read, name="notice_read"),
    path("account/notices/", account_pages.staff_settings, name="notice_settings"),
    path("account/phone/", account_pages.staff_phone_check, name="phone_check"),
    path("account/phone/code/", account_pages.staff_phone_code, name="phone_code"),
]
