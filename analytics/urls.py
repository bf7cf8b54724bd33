"""The addresses of reports and their CSV files."""

from django.urls import path

from analytics import views

urlpatterns = [
    path("dashboard/numbers/", views.provider_reports, name="dashboard-numbers"),
    path("dashboard/numbers/<slug:table>.csv", views.provider_reports_csv, name="dashboard-numbers-csv"),
    path("numbers/", views.everybody, name="numbers"),
    path("numbers/<slug:table>.csv", views.everybody_csv, name="numbers-csv"),
]
