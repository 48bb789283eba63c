"""The record of what was done and seen: both staff desks, for their auditors."""

from django.urls import path

from review.views import audit

urlpatterns = [
    path("audit/", audit.movements, name="audit"),
    path("audit/accesses/", audit.accesses, name="audit-accesses"),
    path("audit/roles/", audit.grants, name="audit-grants"),
    path("audit/settings/", audit.setting_changes, name="audit-settings"),
    path("audit/policies/", audit.policy_changes, name="audit-policies"),
    path("audit/verification/", audit.verification, name="audit-verification"),
    path("audit/verification/case/", audit.case_verification, name="audit-case-verification"),
    path("audit/verification/agency/", audit.agency_verification, name="audit-agency-verification"),
    path("audit/<slug:book>/export/", audit.export, name="audit-export"),
]
