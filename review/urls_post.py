"""The post room of both desks: what was given up, and asking that it be sent once more."""

from django.urls import path

from review.views import phone, post_room

urlpatterns = [
    path("post-room/", post_room.page, name="post-room"),
    path("post-room/resend/", post_room.resend, name="post-room-resend"),
    path("cases/<uuid:case_id>/notices/", post_room.case_resend, name="notice-resend"),
    path("account/phone/number/", phone.number, name="phone-number"),
]
