"""Twilio's callbacks: signed forms, posted to the URLs we gave it."""

import time
from typing import Any, cast

from django.conf import settings
from django.http import HttpResponse, QueryDict
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from twilio.request_validator import RequestValidator

from reminders.channels.sms import reports
from reminders.channels.sms.errors import BadSignature
from scheduler_project.common.api.content import FormParser
from scheduler_project.common.api.schema import refusals

SIGNATURE = "X-Twilio-Signature"


PAUSES = (0.1, 0.2, 0.4, 0.8)
"""The seconds between look-ups of a message whose sending is about to be stored.

Twilio waits 15 seconds for a response, and retries only failed connections
(twilio.com/docs/usage/webhooks/webhooks-connection-overrides), so the view cannot ask it to come again later.
"""


NOTHING_TO_SAY = '<?xml version="1.0" encoding="UTF-8"?><Response/>'


class SmsStatusSerializer(serializers.Serializer[Any]):
    MessageSid = serializers.CharField()
    MessageStatus = serializers.CharField()
    ErrorCode = serializers.CharField(required=False)


class InboundSerializer(serializers.Serializer[Any]):
    From = serializers.CharField()
    Body = serializers.CharField(required=False)
    OptOutType = serializers.CharField(required=False)


class TwilioView(APIView):
    """A base of the views for the gateway. Its signature replaces a login.

    No rate limit applies, for it sends each report once. Not a StrictView: Twilio may add parameters at any time, and
    does not repeat a rejected request.
    """

    authentication_classes: list[Any] = []
    permission_classes = [AllowAny]
    throttle_classes: list[Any] = []
    parser_classes = [FormParser]

    def signed_form(self) -> QueryDict:
        """Return the form if Twilio signed it. Raises BadSignature."""
        url = settings.SITE_URL + self.request.get_full_path()
        form = cast("QueryDict", self.request.data)
        token = settings.TWILIO_AUTH_TOKEN  # With an empty token anybody could sign.
        if not token or not RequestValidator(token).validate(url, form, self.request.headers.get(SIGNATURE, "")):
            raise BadSignature
        return form


class StatusView(TwilioView):
    @extend_schema(
        operation_id="sms_status",
        summary="Receive an SMS delivery report (for Twilio)",
        description=(
            "Signed in `X-Twilio-Signature`. Reports about unknown messages are ignored after a moment, because a "
            "report can arrive before we record that the message was sent."
        ),
        request={"application/x-www-form-urlencoded": SmsStatusSerializer},
        responses={204: None, **refusals(400, 403)},
    )
    def post(self, request: Request) -> Response:
        form = self.signed_form()
        reference, became, error = (form.get(name, "") for name in ("MessageSid", "MessageStatus", "ErrorCode"))
        for pause in (*PAUSES, 0):
            if reports.report(reference=reference, status=became, error=error) or became not in reports.FINAL:
                break
            time.sleep(pause)
        return Response(status=204)


class InboundView(TwilioView):
    @extend_schema(
        operation_id="sms_inbound",
        summary="Receive an SMS (for Twilio)",
        description="Signed in `X-Twilio-Signature`. STOP ends all text messages to a number; START resumes them.",
        request={"application/x-www-form-urlencoded": InboundSerializer},
        responses={(200, "text/xml"): OpenApiTypes.STR, **refusals(400, 403)},
    )
    def post(self, request: Request) -> HttpResponse:
        form = self.signed_form()
        text = form.get("OptOutType") or form.get("Body", "")
        reports.answered(number=form.get("From", ""), text=text, now=timezone.now())
        return HttpResponse(NOTHING_TO_SAY, content_type="text/xml")
