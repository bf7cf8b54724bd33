"""The API's addresses of analytics."""

from django.urls import re_path

from analytics.api import views

urlpatterns = [
    re_path(r"^analytics/?$", views.AnalyticsView.as_view(), name="analytics"),
    re_path(r"^admin/statistics/?$", views.StatisticsView.as_view(), name="admin-statistics"),
]
