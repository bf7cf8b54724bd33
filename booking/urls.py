"""Booking's pages, and calendars to subscribe to."""

from django.urls import path

from booking.views import finding, links, mine
from booking.views.desk import (
    appointment,
    book,
    calendar,
    clients,
    dated,
    hours,
    moving,
    requests,
    services,
    settings,
    today,
)

urlpatterns = [
    path("", finding.home, name="home"),
    path("r/<str:token>/", links.hold, name="hold"),
    path("r/<str:token>/appointment.ics", links.hold_ics, name="hold-ics"),
    path("calendar/<slug:token>.ics", links.feed, name="feed"),
    path("me/", mine.mine, name="mine"),
    path("dashboard/", today.desk, name="desk"),
    path("dashboard/clients/", clients.clients, name="desk-clients"),
    path("dashboard/clients/add/", clients.add_client, name="desk-client-add"),
    path("dashboard/clients/<int:pk>/", clients.client, name="desk-client"),
    path("dashboard/clients/<int:pk>/edit/", clients.edit_client, name="desk-client-edit"),
    path("dashboard/services/", services.services, name="desk-services"),
    path("dashboard/services/add/", services.add_service, name="desk-service-add"),
    path("dashboard/services/<int:pk>/", services.service, name="desk-service"),
    path("dashboard/hours/", hours.hours, name="desk-hours"),
    path("dashboard/hours/date/", hours.single_date, name="desk-hour-date"),
    path("dashboard/windows/", dated.windows, name="desk-windows"),
    path("dashboard/windows/<int:pk>/", dated.window, name="desk-window"),
    path("dashboard/time-off/", dated.time_off, name="desk-time-off"),
    path("dashboard/time-off/<int:pk>/", dated.absence, name="desk-time-off-edit"),
    path("dashboard/settings/", settings.settings, name="desk-settings"),
    path("dashboard/calendar/", settings.feed, name="desk-feed"),
    path("dashboard/week/", calendar.week, name="desk-week"),
    path("dashboard/day/", calendar.day, name="desk-day"),
    path("dashboard/requests/", requests.requests, name="desk-requests"),
    path("dashboard/book/", book.book, name="desk-book"),
    path("dashboard/appointments/<int:pk>/", appointment.appointment, name="desk-appointment"),
    path("dashboard/appointments/<int:pk>/act/", appointment.act, name="desk-appointment-act"),
    path("dashboard/appointments/<int:pk>/move/", moving.move, name="desk-appointment-move"),
    path("dashboard/appointments/<int:pk>/appointment.ics", appointment.appointment_ics, name="desk-appointment-ics"),
]
