"""The authority's desk, on its own host."""

from django.urls import include, path

from intake.views import case_papers
from portal.urls_common import *  # noqa: F403 - the error handlers stand there as well
from portal.urls_common import urlpatterns as common
from review.views import signin
from review.views.authority import acts, agencies, case, queue, rosters

urlpatterns = [
    path("", queue.cases, name="home"),
    path("signin/", signin.signin, name="signin"),
    path("signout/", signin.signout, name="signout"),
    path("cases/", queue.cases, name="queue"),
    path("holdings/", queue.holdings, name="holdings"),
    path("cases/<uuid:case_id>/", case.case, name="case"),
    path("cases/<uuid:case_id>/photo/", case.photo, name="photo"),
    path("cases/<uuid:case_id>/form.pdf", case.form_pdf, name="form-pdf"),
    path("cases/<uuid:case_id>/papers/<uuid:paper_id>/", case_papers.authority_paper, name="case-paper"),
    path(
        "cases/<uuid:case_id>/papers/<uuid:paper_id>/pages/<int:number>/",
        case_papers.authority_paper,
        name="case-paper-page",
    ),
    path(
        "cases/<uuid:case_id>/papers/<uuid:paper_id>/thumbnail/",
        case_papers.authority_paper,
        {"small": True},
        name="case-paper-thumbnail",
    ),
    path("cases/<uuid:case_id>/document-number/", case.document_number, name="document-number"),
    path("cases/<uuid:case_id>/holding/", acts.holding, name="holding"),
    path("cases/<uuid:case_id>/release/", acts.release, name="release"),
    path("cases/<uuid:case_id>/approval/", acts.approval, name="approval"),
    path("cases/<uuid:case_id>/refusal/", acts.refusal, name="refusal"),
    path("cases/<uuid:case_id>/remand/", acts.remand, name="remand"),
    path("cases/<uuid:case_id>/objection/", acts.objection, name="objection"),
    path("rosters/", rosters.upload, name="rosters"),
    path("rosters/<str:token>/", rosters.roster, name="roster"),
    path("agencies/", agencies.agencies, name="agencies"),
    path("", include("notifications.urls_staff")),
    *common,
]
