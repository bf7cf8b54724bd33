"""The pages of figures, and their tables to take along."""

from django.urls import path

from analytics import views

urlpatterns = [
    path("dashboard/numbers/", views.desk, name="desk-numbers"),
    path("dashboard/numbers/<slug:table>.csv", views.desk_csv, name="desk-numbers-csv"),
    path("numbers/", views.everybody, name="numbers"),
    path("numbers/<slug:table>.csv", views.everybody_csv, name="numbers-csv"),
]
