"""Booking's pages, and calendars to subscribe to."""

from django.urls import path

from booking.views import choosing, feeds, finding, guests, holding, links, mine, subscribing
from booking.views.desk import appointment, book, calendar, moving, requests, today

urlpatterns = [
    path("", finding.home, name="home"),
    path("p/<slug:slug>/", finding.provider, name="provider"),
    path("p/<slug:slug>/book/", choosing.of_provider, name="choose"),
    path("p/<slug:slug>/book/<int:service_id>/", choosing.of_provider, name="choose"),
    path("s/<int:service_id>/", choosing.of_anybody, name="choose-anybody"),
    path("h/<str:token>/", holding.details, name="details"),
    path("r/<str:token>/", links.hold, name="hold"),
    path("a/<str:token>/", guests.appointment, name="guest"),
    path("a/<str:token>/move/", guests.move, name="guest-move"),
    path("a/<str:token>/appointment.ics", guests.appointment_ics, name="guest-ics"),
    path("calendar/<slug:token>.ics", feeds.feed, name="feed"),
    path("me/", mine.mine, name="mine"),
    path("me/past/", mine.past, name="my-past"),
    path("me/appointments/<int:pk>/", mine.appointment, name="my-appointment"),
    path("me/appointments/<int:pk>/move/", mine.move, name="my-appointment-move"),
    path("me/appointments/<int:pk>/cancel/", mine.cancel, name="my-appointment-cancel"),
    path("me/calendar/", subscribing.calendar, name="my-calendar"),
    path("dashboard/", today.desk, name="desk"),
    path("dashboard/week/", calendar.week, name="desk-week"),
    path("dashboard/day/", calendar.day, name="desk-day"),
    path("dashboard/requests/", requests.requests, name="desk-requests"),
    path("dashboard/book/", book.book, name="desk-book"),
    path("dashboard/appointments/<int:pk>/", appointment.appointment, name="desk-appointment"),
    path("dashboard/appointments/<int:pk>/act/", appointment.act, name="desk-appointment-act"),
    path("dashboard/appointments/<int:pk>/move/", moving.move, name="desk-appointment-move"),
    path("dashboard/appointments/<int:pk>/appointment.ics", appointment.appointment_ics, name="desk-appointment-ics"),
]
