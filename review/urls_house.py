"""The house of an agency: its figures and its settings."""

from django.urls import path

from review.views.agency import numbers, settings

urlpatterns = [
    path("numbers/", numbers.page, name="numbers"),
    path("numbers/numbers.xlsx", numbers.workbook, name="numbers-xlsx"),
    path("settings/", settings.page, name="settings"),
]
