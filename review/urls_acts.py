"""The authority's acts on the file itself, and the letters of a case."""

from django.urls import path

from review.views.authority import letters, steering

urlpatterns = [
    path("cases/<uuid:case_id>/assignment/", steering.assignment, name="assignment"),
    path("cases/<uuid:case_id>/extension/", steering.extension, name="extension"),
    path("cases/<uuid:case_id>/termination/", steering.termination, name="termination"),
    path("cases/<uuid:case_id>/reinstatement/", steering.reinstatement, name="reinstatement"),
    path("cases/<uuid:case_id>/letters/<slug:slug>.pdf", letters.letter, name="letter"),
]
