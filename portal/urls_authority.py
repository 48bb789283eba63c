"""The authority's desk, on its own host."""

from django.urls import include, path

from intake.views import case_papers
from notifications import metrics
from portal.urls_common import *  # noqa: F403 - the error handlers stand there as well
from portal.urls_common import urlpatterns as common
from review import letter_figures
from review.views import account, saved, signin
from review.views.authority import acts, agencies, case, holidays, queue

urlpatterns = [
    path("", queue.cases, name="home"),
    path("signin/", signin.signin, name="signin"),
    path("signout/", signin.signout, name="signout"),
    path("signin/code/", signin.second_step, name="second-factor"),
    path("signin/authenticator/", signin.second_factor_new, name="second-factor-new"),
    path("signin/password/", signin.password_renewal, name="password-renewal"),
    path("invitations/<int:user_id>/<str:proof>/", signin.invitation, name="invitation"),
    path("account/", account.account, name="account"),
    path("account/password/", account.password, name="account-password"),
    path("account/authenticator/", account.second_factor_change, name="second-factor-change"),
    path("account/recovery-codes/", account.recovery_codes, name="recovery-codes"),
    path("cases/", queue.cases, name="queue"),
    path("holdings/", queue.holdings, name="holdings"),
    path("cases/search/", queue.search, name="queue-search"),
    path("views/", saved.views, name="saved-views"),
    path("views/<uuid:view_id>/", saved.view, name="saved-view"),
    path("views/<uuid:view_id>/deletion/", saved.deletion, name="saved-view-deletion"),
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
    path("agencies/", agencies.agencies, name="agencies"),
    path("holidays/", holidays.calendar, name="holidays"),
    path("holidays/day/", holidays.day, name="holiday"),
    path("holidays/announcement/", holidays.announcement, name="holidays-import"),
    path("holidays/<str:day>/removal/", holidays.removal, name="holiday-removal"),
    path("", include("review.urls_acts")),
    path("", include("review.urls_keeping")),
    path("", include("review.urls_batches")),
    path("", include("review.urls_oversight")),
    path("", include("review.urls_audit")),
    path("", include("review.urls_docket")),
    path("", include("review.urls_agencies")),
    path("", include("review.urls_certificates")),
    path("", include("review.urls_registrants")),
    path("", include("review.urls_rosters")),
    path("", include("review.urls_post")),
    path("metrics", metrics.page_of(letter_figures.gauges), name="metrics"),
    path("", include("review.urls_people")),
    path("", include("notifications.urls_staff")),
    path("", include("tenants.urls_staff")),
    *common,
]
