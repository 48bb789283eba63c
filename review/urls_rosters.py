"""Rosters at the authority's desk: files on their way into the register, and out of it."""

from django.urls import path

from review.views.authority import rosters

urlpatterns = [
    path("rosters/", rosters.rosters, name="rosters"),
    path("rosters/export/", rosters.export, name="roster-export"),
    path("rosters/<uuid:job_id>/", rosters.roster, name="roster"),
    path("rosters/<uuid:job_id>/cancellation/", rosters.cancellation, name="roster-cancellation"),
    path("rosters/<uuid:job_id>/errors.<str:form>", rosters.errors, name="roster-errors"),
]
