"""Reminding's pages."""

from django.urls import path

from reminders import views

urlpatterns = [path("unsubscribe/<str:token>/", views.unsubscribe, name="unsubscribe")]
