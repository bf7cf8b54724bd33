"""Booking's pages, and calendars to subscribe to."""

from django.urls import path

from booking import views

urlpatterns = [
    path("r/<str:token>/", views.hold, name="hold"),
    path("r/<str:token>/appointment.ics", views.hold_ics, name="hold-ics"),
    path("calendar/<slug:token>.ics", views.feed, name="feed"),
]
