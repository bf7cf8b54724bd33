"""Booking's part of the API."""

from django.urls import re_path

from booking.api import views

# Django tries them in this order: the busiest first.
routes = [
    ("slots", views.SlotViewSet, "slot"),
    ("reservations", views.ReservationViewSet, "reservation"),
    ("admin/appointments", views.AdminAppointmentViewSet, "admin-appointment"),
    ("appointments", views.AppointmentViewSet, "appointment"),
    ("closures", views.ClosureViewSet, "closure"),
    ("providers", views.CalendarViewSet, "calendar"),
    ("schedules", views.WindowViewSet, "schedule"),
    ("services", views.ServiceViewSet, "service"),
    ("time-off", views.TimeOffViewSet, "time-off"),
]

urlpatterns = [
    re_path(r"^admin/expire-reservations/?$", views.ExpireReservationsView.as_view(), name="expire-reservations"),
    re_path(
        rf"^appointments/(?P<pk>{views.ID})\.ics/?$",
        views.AppointmentViewSet.as_view({"get": "ics"}, content_negotiation_class=views.AnyAccept),
        name="appointment-ics",
    ),
]
