"""The addresses of the reminders pages."""

from django.urls import path

from reminders.outbox import views as outbox
from reminders.phones import views as phones
from reminders.preferences.views import client, unsubscribe
from reminders.templates import views as templates
from reminders.webhooks import views as webhooks

urlpatterns = [
    path("me/reminders/", client.reminders, name="my-reminders"),
    path("a/<str:token>/phone/", phones.phone, name="guest-phone"),
    path("unsubscribe/<str:token>/", unsubscribe.unsubscribe, name="unsubscribe"),
    path("dashboard/reminders/", outbox.outbox, name="dashboard-reminders"),
    path("dashboard/reminders/<int:pk>/", outbox.message, name="dashboard-message"),
    path("dashboard/messages/", templates.templates, name="dashboard-templates"),
    path(
        "dashboard/messages/<str:kind>/<str:channel>/<str:recipient>/<str:language>/",
        templates.template,
        name="dashboard-template",
    ),
    path("dashboard/webhooks/", webhooks.webhooks, name="dashboard-webhooks"),
    path("dashboard/webhooks/<int:pk>/", webhooks.webhook, name="dashboard-webhook"),
]
