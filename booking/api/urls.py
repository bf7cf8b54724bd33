"""The API's addresses of booking."""

from django.urls import re_path

from booking.appointments.api import AdminAppointmentViewSet, AppointmentViewSet
from booking.availability.api.absences import ClosureViewSet, TimeOffViewSet
from booking.availability.api.schedules import ScheduleViewSet
from booking.availability.api.slots import SlotViewSet
from booking.availability.api.windows import WindowViewSet
from booking.calendars.api import FeedViewSet
from booking.reservations.api import ExpireReservationsView, ReservationViewSet
from booking.series.api import SeriesViewSet
from booking.services.api import ServiceViewSet
from scheduler_project.common.api.fields import ID

# Django tries them in this order, so the most requested come first.
routes = [
    ("slots", SlotViewSet, "slot"),
    ("reservations", ReservationViewSet, "reservation"),
    ("admin/appointments", AdminAppointmentViewSet, "admin-appointment"),
    ("appointments", AppointmentViewSet, "appointment"),
    ("closures", ClosureViewSet, "closure"),
    ("feeds", FeedViewSet, "feed"),
    ("providers", ScheduleViewSet, "calendar"),
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
