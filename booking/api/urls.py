"""Booking's part of the API."""

from django.urls import re_path

from booking.api import feeds, views
from scheduler_project.common.api_fields import ID

# Django tries them in this order: the busiest first.
routes = [
    ("slots", views.SlotViewSet, "slot"),
    ("reservations", views.ReservationViewSet, "reservation"),
    ("admin/appointments", views.AdminAppointmentViewSet, "admin-appointment"),
    ("appointments", views.AppointmentViewSet, "appointment"),
    ("closures", views.ClosureViewSet, "closure"),
    ("feeds", feeds.FeedViewSet, "feed"),
    ("providers", views.CalendarViewSet, "calendar"),
    ("schedules", views.WindowViewSet, "schedule"),
    ("series", views.SeriesViewSet, "series"),
    ("services", views.ServiceViewSet, "service"),
    ("time-off", views.TimeOffViewSet, "time-off"),
]

urlpatterns = [
    re_path(r"^admin/expire-reservations/?$", views.ExpireReservationsView.as_view(), name="expire-reservations"),
    re_path(
        rf"^appointments/(?P<pk>{ID})\.ics/?$",
        views.AppointmentViewSet.as_view({"get": "ics"}),
        name="appointment-ics",
    ),
]
