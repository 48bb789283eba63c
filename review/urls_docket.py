"""The authority's docket: the next case, who is looking, dispatches, and granting many cases at once."""

from django.urls import path

from review.views.authority import bulk, dispatches, queue

urlpatterns = [
    path("cases/next/", queue.next_case, name="next-case"),
    path("cases/<uuid:case_id>/presence/", queue.look, name="presence"),
    path("approvals/", bulk.approval, name="bulk-approval"),
    path("dispatch-batches/", dispatches.batches, name="dispatch-batches"),
    path("dispatch-batches/<str:number>/", dispatches.batch, name="dispatch-batch"),
    path("dispatch-batches/<str:number>/summary.pdf", dispatches.summary_pdf, name="dispatch-pdf"),
    path("dispatch-batches/<str:number>/summary.xlsx", dispatches.summary_xlsx, name="dispatch-xlsx"),
]
