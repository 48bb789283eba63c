"""The register's desk at the authority: people, corrections, restrictions, endings, appeals."""

from django.urls import path

from review.views.authority import appeals, registrants, registrar_acts

PERSON = "registrants/<uuid:person_id>/"

urlpatterns = [
    path("registrants/", registrants.registrants, name="registrants"),
    path("registrants/search/", registrants.search, name="registrant-search"),
    path(PERSON, registrants.registrant, name="registrant"),
    path(f"{PERSON}photo/", registrants.photo, name="registrant-photo"),
    path(f"{PERSON}document-number/", registrants.number, name="registrant-number"),
    path(f"{PERSON}changes/<uuid:change_id>/proof/", registrants.proof, name="person-change-proof"),
    path(
        f"{PERSON}registrations/<uuid:registration_id>/decision.pdf",
        registrants.decision,
        name="registrant-decision",
    ),
    path(f"{PERSON}name/", registrar_acts.name, name="registrant-name"),
    path(f"{PERSON}document/", registrar_acts.document, name="registrant-document"),
    path(f"{PERSON}merger/", registrar_acts.merger, name="registrant-merger"),
    path(f"{PERSON}merger/<uuid:other_id>/", registrar_acts.merger_preview, name="registrant-merger-preview"),
    path(f"{PERSON}restrictions/new/", registrar_acts.restriction, name="registrant-restriction"),
    path(
        f"{PERSON}restrictions/<int:restriction_id>/lifting/",
        registrar_acts.lifting,
        name="restriction-lifting",
    ),
    path(f"{PERSON}endings/<slug:how>/", registrar_acts.ending, name="registrant-ending"),
    path(f"{PERSON}endings/", registrar_acts.ending_rest, name="registrant-ending-rest"),
    path("restriction-proposals/<uuid:case_id>/", registrar_acts.proposal, name="restriction-proposal"),
    path(
        "restriction-proposals/<uuid:case_id>/refusal/",
        registrar_acts.proposal_refusal,
        name="restriction-proposal-refusal",
    ),
    path("appeals/", appeals.appeals, name="appeals"),
    path("appeals/<uuid:appeal_id>/", appeals.appeal, name="appeal"),
    path("appeals/<uuid:appeal_id>/proofs/<uuid:proof_id>/", appeals.proof, name="appeal-proof"),
    path("appeals/<uuid:appeal_id>/upholding/", appeals.upholding, name="appeal-upholding"),
    path("appeals/<uuid:appeal_id>/dismissal/", appeals.dismissal, name="appeal-dismissal"),
]
