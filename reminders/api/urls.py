"""The addresses of the reminders API."""

from django.urls import re_path

from reminders.channels.sms import api as sms
from reminders.outbox import api as outbox
from reminders.phones import api as phones
from reminders.preferences import api as preferences
from reminders.templates import api as templates
from reminders.webhooks import api as webhooks
from scheduler_project.common.api.fields import ID

routes = [
    ("reminders", outbox.ReminderViewSet, "reminder"),
    ("admin/reminders", outbox.AdminReminderViewSet, "admin-reminder"),
    ("opt-outs", preferences.OptOutViewSet, "opt-out"),
    ("message-templates", templates.MessageTemplateViewSet, "message-template"),
    ("webhooks", webhooks.WebhookViewSet, "webhook"),
    (rf"webhooks/(?P<pk>{ID})/deliveries", webhooks.DeliveryViewSet, "webhook-delivery"),
]

urlpatterns = [
    re_path(
        rf"^appointments/(?P<pk>{ID})/reminders/?$",
        outbox.AppointmentRemindersViewSet.as_view({"get": "list"}),
        name="appointment-reminders",
    ),
    re_path(
        rf"^appointments/(?P<pk>{ID})/reminders/not-planned/?$",
        outbox.AppointmentRemindersViewSet.as_view({"get": "not_planned"}, pagination_class=None),
        name="appointment-reminders-not-planned",
    ),
    re_path(r"^me/preferences/?$", preferences.OwnPreferencesView.as_view(), name="own-preferences"),
    re_path(r"^me/phone/?$", phones.OwnPhoneView.as_view(), name="own-phone"),
    re_path(r"^me/phone/verify/?$", phones.VerifyOwnPhoneView.as_view(), name="own-phone-verify"),
    re_path(
        rf"^clients/(?P<pk>{ID})/preferences/?$",
        preferences.PreferencesView.as_view(),
        name="client-preferences",
    ),
    re_path(r"^sms/status/?$", sms.StatusView.as_view(), name="sms-status"),
    re_path(r"^sms/inbound/?$", sms.InboundView.as_view(), name="sms-inbound"),
]
