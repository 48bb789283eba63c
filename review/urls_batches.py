"""Announcement batches at the authority's desk."""

from django.urls import path

from review.views.authority import batches

urlpatterns = [
    path("batches/", batches.listed, name="batches"),
    path("batches/new/", batches.new, name="batch-new"),
    path("batches/<slug:number>/", batches.batch, name="batch"),
    path("batches/<slug:number>/additions/", batches.additions, name="batch-additions"),
    path("batches/<slug:number>/removals/", batches.removals, name="batch-removals"),
    path("batches/<slug:number>/publication/", batches.publication, name="batch-publication"),
    path("batches/<slug:number>/withdrawal/", batches.withdrawal, name="batch-withdrawal"),
]
