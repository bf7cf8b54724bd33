"""`/api/v1/me/phone`: the verification of a client's phone, and its state."""

from typing import Any

from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.actors import Actor, Source
from accounts.models import Client
from reminders.phones import operations as phones
from reminders.preferences.errors import NotAClient
from scheduler_project.common.api.fields import PhoneField
from scheduler_project.common.api.schema import refusals
from scheduler_project.common.api.serializers import Serializer
from scheduler_project.common.api.views import StrictView
from scheduler_project.common.limits.throttling import site_network


class PhoneSerializer(Serializer[Any]):
    phone = serializers.CharField(read_only=True, help_text=_("Empty if we don't have one."))
    phone_is_verified = serializers.BooleanField(
        read_only=True, help_text=_("Whether text messages are sent to this number.")
    )


class AskSerializer(Serializer[Any]):
    phone = PhoneField(
        max_length=40,
        required=False,
        help_text=_("With country code, such as +49… Replaces your current number. Defaults to your current number."),
    )


class CodeSerializer(Serializer[Any]):
    code = serializers.RegexField(r"\A[0-9]{6}\Z", help_text=_("The six-digit code from the text message."))


class AskedSerializer(Serializer[Any]):
    detail = serializers.CharField()


class OwnPhoneBase(StrictView, GenericAPIView[Any]):
    @property
    def actor(self) -> Actor:
        return Actor.of(self.request.user, Source.API)

    def client(self) -> Client:
        own = getattr(self.request.user, "client_or_none", None)
        if own is None:
            raise NotAClient
        return Client.objects.get(pk=own.pk)  # as it is now, after what this request has changed

    def sent(self) -> dict[str, Any]:
        serializer = self.get_serializer(data=self.request.data)
        serializer.is_valid(raise_exception=True)
        return serializer.validated_data


class OwnPhoneView(OwnPhoneBase):
    serializer_class = AskSerializer

    @property
    def throttle_scope(self) -> str | None:
        return "code" if self.request.method == "POST" else None

    @extend_schema(
        operation_id="me_phone_retrieve",
        summary="Get your phone number",
        responses={200: PhoneSerializer, **refusals(403)},
    )
    def get(self, request: Request) -> Response:
        return Response(PhoneSerializer(self.client()).data)

    @extend_schema(
        operation_id="me_phone_verify_ask",
        summary="Send a code to your phone",
        description=(
            "Sends a code by SMS; it expires in ten minutes. If you send a `phone`, it becomes your number, not "
            "verified yet. The answer is the same whether or not we send a code: numbers that opted out with STOP "
            "or got too many codes recently get none."
        ),
        responses={202: AskedSerializer, **refusals(403)},
        examples=[OpenApiExample("Another number", {"phone": "+49 30 901820"}, request_only=True)],
    )
    def post(self, request: Request) -> Response:
        data = self.sent()
        phones.ask_code(
            client_id=self.client().pk,
            actor=self.actor,
            network=site_network(request),
            now=timezone.now(),
            phone=data.get("phone"),
        )
        return Response({"detail": phones.CODE_ASKED}, 202)


class VerifyOwnPhoneView(OwnPhoneBase):
    serializer_class = CodeSerializer

    @extend_schema(
        operation_id="me_phone_verify",
        summary="Verify your phone",
        description="After five wrong codes, request a new one.",
        responses={200: PhoneSerializer, **refusals(400, 403)},
        examples=[OpenApiExample("The code", {"code": "042137"}, request_only=True)],
    )
    def post(self, request: Request) -> Response:
        code = self.sent()["code"]
        client = phones.verify_phone(client_id=self.client().pk, code=code, actor=self.actor, now=timezone.now())
        return Response(PhoneSerializer(client).data)
