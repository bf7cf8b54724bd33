"""The addresses of booking's pages, and of calendar feeds."""

from django.urls import path

from booking.appointments.views import appointment, book, guest, next_client, requests, reschedule
from booking.availability.views import dated_changes, hours
from booking.calendars import views as calendars
from booking.pages import calendar, client_appointments, clients, provider_list, settings, today
from booking.reservations.views import choose_time, confirm_link, hold_details
from booking.services import views as services

urlpatterns = [
    path("", provider_list.home, name="home"),
    path("p/<slug:slug>/", provider_list.provider, name="provider"),
    path("p/<slug:slug>/book/", choose_time.of_provider, name="choose"),
    path("p/<slug:slug>/book/<int:service_id>/", choose_time.of_provider, name="choose"),
    path("s/<int:service_id>/", choose_time.of_anybody, name="choose-anybody"),
    path("h/<str:token>/", hold_details.details, name="details"),
    path("r/<str:token>/", confirm_link.hold, name="hold"),
    path("a/<str:token>/", guest.appointment, name="guest"),
    path("a/<str:token>/move/", guest.move, name="guest-move"),
    path("a/<str:token>/appointment.ics", guest.appointment_ics, name="guest-ics"),
    path("calendar/<slug:token>.ics", calendars.feed, name="feed"),
    path("me/", client_appointments.upcoming, name="my-appointments"),
    path("me/past/", client_appointments.past, name="my-past"),
    path("me/appointments/<int:pk>/", client_appointments.appointment, name="my-appointment"),
    path("me/appointments/<int:pk>/move/", client_appointments.move, name="my-appointment-move"),
    path("me/appointments/<int:pk>/cancel/", client_appointments.cancel, name="my-appointment-cancel"),
    path("me/calendar/", calendars.client_feed, name="my-calendar"),
    path("dashboard/", today.dashboard, name="dashboard"),
    path("dashboard/clients/", clients.clients, name="dashboard-clients"),
    path("dashboard/clients/add/", clients.add_client, name="dashboard-client-add"),
    path("dashboard/clients/<int:pk>/", clients.client, name="dashboard-client"),
    path("dashboard/clients/<int:pk>/edit/", clients.edit_client, name="dashboard-client-edit"),
    path("dashboard/services/", services.services, name="dashboard-services"),
    path("dashboard/services/add/", services.add_service, name="dashboard-service-add"),
    path("dashboard/services/<int:pk>/", services.service, name="dashboard-service"),
    path("dashboard/hours/", hours.hours, name="dashboard-hours"),
    path("dashboard/hours/date/", hours.single_date, name="dashboard-hour-date"),
    path("dashboard/windows/", dated_changes.windows, name="dashboard-windows"),
    path("dashboard/windows/<int:pk>/", dated_changes.window, name="dashboard-window"),
    path("dashboard/time-off/", dated_changes.time_off, name="dashboard-time-off"),
    path("dashboard/time-off/<int:pk>/", dated_changes.absence, name="dashboard-time-off-edit"),
    path("dashboard/settings/", settings.settings, name="dashboard-settings"),
    path("dashboard/calendar/", calendars.provider_feed, name="dashboard-feed"),
    path("dashboard/week/", calendar.week, name="dashboard-week"),
    path("dashboard/day/", calendar.day, name="dashboard-day"),
    path("dashboard/requests/", requests.requests, name="dashboard-requests"),
    path("dashboard/book/", book.book, name="dashboard-book"),
    path("dashboard/appointments/<int:pk>/", appointment.appointment, name="dashboard-appointment"),
    path("dashboard/appointments/<int:pk>/act/", appointment.appointment_action, name="dashboard-appointment-act"),
    path("dashboard/appointments/<int:pk>/move/", reschedule.move, name="dashboard-appointment-move"),
    path("dashboard/appointments/<int:pk>/client/", next_client.next_client, name="dashboard-appointment-client"),
    path(
        "dashboard/appointments/<int:pk>/appointment.ics", appointment.appointment_ics, name="dashboard-appointment-ics"
    ),
]
