"""Booking's pages, and calendars to subscribe to."""

from django.urls import path

from booking.views import finding, links, mine
from booking.views.desk import appointment, book, calendar, moving, requests, today

urlpatterns = [
    path("", finding.home, name="home"),
    path("r/<str:token>/", links.hold, name="hold"),
    path("r/<str:token>/appointment.ics", links.hold_ics, name="hold-ics"),
    path("calendar/<slug:token>.ics", links.feed, name="feed"),
    path("me/", mine.mine, name="mine"),
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
