"""Reminding's pages."""

from django.urls import path

from reminders.views import mine, unsubscribing

urlpatterns = [
    path("me/reminders/", mine.reminders, name="my-reminders"),
    path("unsubscribe/<str:token>/", unsubscribing.unsubscribe, name="unsubscribe"),
]
