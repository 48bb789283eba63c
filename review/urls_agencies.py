"""The agencies, at the authority's desk."""

from django.urls import path

from review.views.authority import agencies, agency_jobs

urlpatterns = [
    path("agencies/<slug:code>/", agencies.agency, name="agency"),
    path("agencies/<slug:code>/particulars/", agencies.particulars, name="agency-change"),
    path("agencies/<slug:code>/suspension/", agencies.suspension, name="agency-suspension"),
    path("agencies/<slug:code>/resumption/", agencies.resumption, name="agency-resumption"),
    path("agencies/<slug:code>/merger/", agencies.merger, name="agency-merger"),
    path("agencies/<slug:code>/managers/new/", agencies.manager_new, name="agency-manager"),
    path(
        "agencies/<slug:code>/managers/<int:user_id>/invitation/",
        agencies.manager_invitation,
        name="agency-manager-invitation",
    ),
    path("agencies/<slug:code>/mending/", agency_jobs.mending, name="agency-mending"),
    path("agency-openings/new/", agency_jobs.opening, name="agency-new"),
    path("agency-jobs/<uuid:job_id>/", agency_jobs.job, name="agency-job"),
    path("agency-jobs/<uuid:job_id>/invitation/", agency_jobs.invitation, name="agency-job-invitation"),
    path("agency-jobs/<uuid:job_id>/again/", agency_jobs.again, name="agency-job-again"),
    path("agency-jobs/<uuid:job_id>/hand/", agency_jobs.hand, name="agency-job-hand"),
    path("agency-checks/", agency_jobs.checking, name="agencies-check"),
]
