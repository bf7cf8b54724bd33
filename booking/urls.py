"""Booking's pages, and calendars to subscribe to."""

from django.urls import path

from booking.views import finding, links, mine
from booking.views.desk import today

urlpatterns = [
    path("", finding.home, name="home"),
    path("r/<str:token>/", links.hold, name="hold"),
    path("r/<str:token>/appointment.ics", links.hold_ics, name="hold-ics"),
    path("calendar/<slug:token>.ics", links.feed, name="feed"),
    path("me/", mine.mine, name="mine"),
    path("dashboard/", today.desk, name="desk"),
]
