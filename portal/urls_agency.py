"""The agency's desk, on its own host."""

from django.urls import include, path

from intake.views import case_papers
from portal.urls_common import *  # noqa: F403 - the error handlers stand there as well
from portal.urls_common import urlpatterns as common
from review.views import signin
from review.views.agency import acts, case, queue

urlpatterns = [
    path("", queue.cases, name="home"),
    path("signin/", signin.signin, name="signin"),
    path("signout/", signin.signout, name="signout"),
    path("cases/", queue.cases, name="queue"),
    path("holdings/", queue.holdings, name="holdings"),
    path("dispatches/", queue.dispatches, name="dispatches"),
    path("cases/<uuid:case_id>/", case.case, name="case"),
    path("cases/<uuid:case_id>/photo/", case.photo, name="photo"),
    path("cases/<uuid:case_id>/form.pdf", case.form_pdf, name="form-pdf"),
    path("cases/<uuid:case_id>/papers/<uuid:paper_id>/", case_papers.agency_paper, name="case-paper"),
    path(
        "cases/<uuid:case_id>/papers/<uuid:paper_id>/pages/<int:number>/",
        case_papers.agency_paper,
        name="case-paper-page",
    ),
    path(
        "cases/<uuid:case_id>/papers/<uuid:paper_id>/thumbnail/",
        case_papers.agency_paper,
        {"small": True},
        name="case-paper-thumbnail",
    ),
    path("cases/<uuid:case_id>/document-number/", case.document_number, name="document-number"),
    path("cases/<uuid:case_id>/checks/", case.checks, name="checks"),
    path("cases/<uuid:case_id>/notes/", case.notes, name="notes"),
    path("cases/<uuid:case_id>/holding/", acts.holding, name="holding"),
    path("cases/<uuid:case_id>/release/", acts.release, name="release"),
    path("cases/<uuid:case_id>/acceptance/", acts.acceptance, name="acceptance"),
    path("cases/<uuid:case_id>/non-acceptance/", acts.non_acceptance, name="non-acceptance"),
    path("cases/<uuid:case_id>/correction/", acts.correction, name="correction"),
    path("cases/<uuid:case_id>/opinion/", acts.opinion, name="opinion"),
    path("cases/<uuid:case_id>/countersignature/", acts.countersignature, name="countersignature"),
    path("cases/<uuid:case_id>/objection/", acts.objection, name="objection"),
    path("cases/<uuid:case_id>/reopening/", acts.reopening, name="reopening"),
    path("cases/<uuid:case_id>/referral/", acts.referral, name="referral"),
    path("", include("notifications.urls_staff")),
    *common,
]
