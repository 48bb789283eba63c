"""The notices at the applicant's desk. The board itself, `notice_board`, stands in `intake.urls`."""

from django.urls import path

from notifications import account_pages, views

urlpatterns = [
    path("notices/", views.notices, name="notices"),
    path("notices/read", views.read_all, name="notices_read"),
    path("notices/<int:notice_id>/read", views.read, name="notice_read"),
    path("account/notices/", account_pages.notice_settings, name="notice_settings"),
    path("account/phone/", account_pages.phone_check, name="phone_check"),
    path("account/phone/code/", account_pages.phone_code, name="phone_code"),
]
