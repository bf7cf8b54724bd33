"""URLs of the reminders pages."""

from django.urls import path

from reminders.views import guest_phone, mine, unsubscribe
from reminders.views.desk import messages, templates, webhooks

urlpatterns = [
    path("me/reminders/", mine.reminders, name="my-reminders"),
    path("a/<str:token>/phone/", guest_phone.phone, name="guest-phone"),
    path("unsubscribe/<str:token>/", unsubscribe.unsubscribe, name="unsubscribe"),
    path("dashboard/reminders/", messages.outbox, name="desk-reminders"),
    path("dashboard/reminders/<int:pk>/", messages.message, name="desk-message"),
    path("dashboard/messages/", templates.templates, name="desk-templates"),
    path(
        "dashboard/messages/<str:kind>/<str:channel>/<str:recipient>/<str:language>/",
        templates.template,
        name="desk-template",
    ),
    path("dashboard/webhooks/", webhooks.webhooks, name="desk-webhooks"),
    path("dashboard/webhooks/<int:pk>/", webhooks.webhook, name="desk-webhook"),
]
