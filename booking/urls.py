"""Booking's pages, and calendars to subscribe to."""

from django.urls import path

from booking.views import finding, links, mine, subscribing
from booking.views.desk import today

urlpatterns = [
    path("", finding.home, name="home"),
    path("r/<str:token>/", links.hold, name="hold"),
    path("r/<str:token>/appointment.ics", links.hold_ics, name="hold-ics"),
    path("calendar/<slug:token>.ics", links.feed, name="feed"),
    path("me/", mine.mine, name="mine"),
    path("me/past/", mine.past, name="my-past"),
    path("me/appointments/<int:pk>/", mine.appointment, name="my-appointment"),
    path("me/appointments/<int:pk>/move/", mine.move, name="my-appointment-move"),
    path("me/appointments/<int:pk>/cancel/", mine.cancel, name="my-appointment-cancel"),
    path("me/calendar/", subscribing.calendar, name="my-calendar"),
    path("dashboard/", today.desk, name="desk"),
]
