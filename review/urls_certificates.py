"""Certificates at the authority's desk."""

from django.urls import path

from review.views.authority import certificates

urlpatterns = [
    path("certificates/<uuid:certificate_id>.pdf", certificates.pdf, name="certificate-pdf"),
    path("certificates/<uuid:certificate_id>/reissue/", certificates.reissue, name="certificate-reissue"),
]
