"""What the authority's administrator keeps: policy values, and the way in for an agency's last manager."""

from django.urls import path

from review.views.authority import keepers, policies

urlpatterns = [
    path("policies/", policies.policies, name="policies"),
    path("policies/<slug:key>/", policies.policy, name="policy"),
    path("policies/<slug:key>/new/", policies.policy_new, name="policy-new"),
    path(
        "policies/<slug:key>/values/<int:row_id>/withdrawal/",
        policies.policy_withdrawal,
        name="policy-withdrawal",
    ),
    path(
        "agencies/<slug:code>/managers/<int:user_id>/second-factor/",
        keepers.manager_reset,
        name="agency-manager-reset",
    ),
]
