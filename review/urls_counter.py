"""柜台重置 at the agency's desk."""

from django.urls import path

from review.views.agency import counter

urlpatterns = [
    path("counter-codes/", counter.counter_codes, name="counter-codes"),
    path("counter-codes/<uuid:code_id>/approval/", counter.counter_approval, name="counter-approval"),
    path("counter-codes/<uuid:code_id>/slip/", counter.counter_slip, name="counter-slip"),
    path(
        "counter-codes/<uuid:code_id>/cancellation/",
        counter.counter_cancellation,
        name="counter-cancellation",
    ),
]
