"""Booking's pages, and calendars to subscribe to."""

from django.urls import path

from booking.views import choosing, feeds, finding, guests, holding, links, mine
from booking.views.desk import today

urlpatterns = [
    path("", finding.home, name="home"),
    path("p/<slug:slug>/", finding.provider, name="provider"),
    path("p/<slug:slug>/book/", choosing.of_provider, name="choose"),
    path("p/<slug:slug>/book/<int:service_id>/", choosing.of_provider, name="choose"),
    path("s/<int:service_id>/", choosing.of_anybody, name="choose-anybody"),
    path("h/<str:token>/", holding.details, name="details"),
    path("r/<str:token>/", links.hold, name="hold"),
    path("a/<str:token>/", guests.appointment, name="appointment"),
    path("a/<str:token>/move/", guests.move, name="appointment-move"),
    path("a/<str:token>/appointment.ics", guests.appointment_ics, name="appointment-ics"),
    path("calendar/<slug:token>.ics", feeds.feed, name="feed"),
    path("me/", mine.mine, name="mine"),
    path("dashboard/", today.desk, name="desk"),
]
