"""Oversight of all agencies, and the files that it and the docket are exported to: the authority's desk."""

from django.urls import path

from review.views import prepared
from review.views.authority import exports, oversight

urlpatterns = [
    path("oversight/", oversight.page, name="oversight"),
    path("oversight/oversight.xlsx", oversight.workbook, name="oversight-xlsx"),
    path("oversight/<slug:key>.csv", oversight.table_csv, name="oversight-csv"),
    path("oversight/summary-list/", oversight.summary_list, name="oversight-summary"),
    path("cases/export/", exports.export, name="export"),
    path("files/", prepared.prepared_files, name="prepared-files"),
    path("files/<uuid:file_id>/", prepared.prepared_file, name="prepared-file"),
    path("files/<uuid:file_id>/again/", prepared.prepared_file_again, name="prepared-file-again"),
]
