"""The applicant's desk."""

from django.urls import path

from intake.views import (
    agencies,
    correction,
    entry,
    giving_up,
    history,
    home,
    lodging,
    preview,
    public,
    wizard,
)

urlpatterns = [
    # Ways in
    path("", entry.start, name="signin"),
    path("signout/", entry.signout, name="signout"),
    path("password/set/", entry.password_set, name="password_set"),
    path("password/new/", entry.password_new, name="password_new"),
    path("password/forgotten/", entry.password_forgotten, name="password_forgotten"),
    path("initial/verify/", entry.initial_verify, name="initial_verify"),
    # Public pages
    path("guides/<slug:kind>/", public.guide, name="guide"),
    path("agencies/", agencies.agencies, name="agencies"),
    path("privacy/", public.privacy, name="privacy"),
    # Personal page
    path("home/", home.home, name="home"),
    path("history/", history.history, name="history"),
    path("photos/<uuid:photo_id>/", home.photo, name="photo"),
    # One application
    path("applications/new/<slug:kind>/", wizard.application_new, name="application_new"),
    path("applications/<uuid:application_id>/", home.application, name="application"),
    path("applications/<uuid:application_id>/steps/<slug:slug>/", wizard.step, name="step"),
    path("applications/<uuid:application_id>/rows/<slug:section>/<slug:row_id>/", wizard.row, name="row"),
    path("applications/<uuid:application_id>/form/", preview.form_view, name="form"),
    path("applications/<uuid:application_id>/form.pdf", preview.form_pdf, name="form_pdf"),
    path("applications/<uuid:application_id>/receipt/", lodging.receipt, name="receipt"),
    path("applications/<uuid:application_id>/discard/", giving_up.discard, name="discard"),
    path("applications/<uuid:application_id>/withdrawal/", giving_up.withdrawal, name="withdrawal"),
    path("applications/<uuid:application_id>/copy/", giving_up.copy, name="copy"),
    path("applications/<uuid:application_id>/correction/", correction.correction, name="correction"),
]
