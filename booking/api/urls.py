"""Booking's part of the API."""

from django.urls import re_path

from booking.api.absences import ClosureViewSet, TimeOffViewSet
from booking.api.administration import AdminAppointmentViewSet, ExpireReservationsView
from booking.api.appointments import AppointmentViewSet
from booking.api.calendars import CalendarViewSet
from booking.api.feeds import FeedViewSet
from booking.api.reservations import ReservationViewSet
from booking.api.series import SeriesViewSet
from booking.api.services import ServiceViewSet
from booking.api.slots import SlotViewSet
from booking.api.windows import WindowViewSet
from scheduler_project.common.api_fields import ID

# Django tries them in this order: the busiest first.
routes = [
    ("slots", SlotViewSet, "slot"),
    ("reservations", ReservationViewSet, "reservation"),
    ("admin/appointments", AdminAppointmentViewSet, "admin-appointment"),
    ("appointments", AppointmentViewSet, "appointment"),
    ("closures", ClosureViewSet, "closure"),
    ("feeds", FeedViewSet, "feed"),
    ("providers", CalendarViewSet, "calendar"),
    ("schedules", WindowViewSet, "schedule"),
    ("series", SeriesViewSet, "series"),
    ("services", ServiceViewSet, "service"),
    ("time-off", TimeOffViewSet, "time-off"),
]

urlpatterns = [
    re_path(r"^admin/expire-reservations/?$", ExpireReservationsView.as_view(), name="expire-reservations"),
    re_path(
        rf"^appointments/(?P<pk>{ID})\.ics/?$",
        AppointmentViewSet.as_view({"get": "ics"}),
        name="appointment-ics",
    ),
]
