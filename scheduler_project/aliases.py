"""Short addresses of the API, as small schedulers have them. Each leads to the view of the address it stands for.

Nothing is decided here. A body may be written in camelCase, with `providerId` for `provider`.
"""

import re
from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple, cast

from django.http import HttpRequest, HttpResponseBase
from django.urls import URLPattern, re_path
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _
from django.views.decorators.csrf import csrf_exempt
from drf_spectacular.utils import OpenApiExample, PolymorphicProxySerializer, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.clients.api import ClientViewSet
from accounts.providers.api import ProviderViewSet
from accounts.sign_in.api import RegisterView
from accounts.sign_in.registration import Role
from accounts.sign_in.serializers import RegisterSerializer
from booking.api.fields import InstantField, get_or_404
from booking.appointments.serializers import AppointmentSerializer
from booking.availability.api.schedules import ScheduleViewSet
from booking.availability.api.slots import SlotViewSet
from booking.availability.api.windows import WindowViewSet
from booking.models import Slot
from booking.reservations.api import ConfirmSerializer, ReservationViewSet, ReserveSerializer
from booking.reservations.serializers import ReservationSerializer
from scheduler_project.common.api.content import JSONParser
from scheduler_project.common.api.fields import ID, IdField
from scheduler_project.common.api.schema import PREVIEW, refusals
from scheduler_project.common.api.versions import ROOT
from scheduler_project.common.errors import NotFound

View = Callable[..., HttpResponseBase]

# --- Bodies -----------------------------------------------------------------------------------------------------------

CAPITAL = re.compile(r"(?<=[a-z0-9])([A-Z])")


class Parser(JSONParser):
    """A parser of JSON whose names may be in camelCase, and end in `Id` or `_id`."""

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        body = super().parse(stream, media_type, parser_context)
        if not isinstance(body, dict):
            return body
        names = {name: plain(name) for name in body}
        times = Counter(names.values())
        return {names[name] if times[names[name]] == 1 else name: value for name, value in body.items()}


def plain(name: str) -> str:
    """Return `start_time` for `startTime`, and `provider` for `providerId`."""
    return CAPITAL.sub(r"_\1", name).lower().removesuffix("_id")


def replace_body(request: Request, body: dict[str, Any]) -> None:
    untyped: Any = request
    untyped._full_data = body  # noqa: SLF001  (DRF offers no other way)


# --- Views ------------------------------------------------------------------------------------------------------------


class ClientReserveSerializer(ReserveSerializer):
    client = None  # type: ignore[assignment]
    slot = IdField(required=False, help_text=_("Instead of `provider` and `start_time`."))
    provider = IdField(required=False)
    start_time = InstantField(required=False)


class ClientConfirmSerializer(ConfirmSerializer):
    reservation = IdField()
    confirmed = serializers.BooleanField(default=True, help_text=ConfirmSerializer().fields["confirmed"].help_text)


ANSWERS_OF_CONFIRM = PolymorphicProxySerializer(
    component_name="ConfirmedForClient",
    serializers=[AppointmentSerializer, ReservationSerializer],
    resource_type_field_name=None,
)
"""The appointment, or the hold that was given back."""


class ClientReservationViewSet(ReservationViewSet):
    """Holds of the client in the path, who has a login, or whom the caller may book for."""

    open_actions = guest_actions = frozenset()

    @cached_property
    def body(self) -> dict[str, Any]:
        """The body as it was sent. After a deadlock the view runs again, and must not read what it made of it."""
        return cast("dict[str, Any]", self.request.data)

    @extend_schema(
        summary="Hold a time for a client",
        parameters=[PREVIEW],
        request=ClientReserveSerializer,
        responses={200: ReservationSerializer, 201: ReservationSerializer, **refusals(403, 404, 409)},
        examples=[OpenApiExample("The time that starts with a slot", {"slot": 1}, request_only=True)],
    )
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        replace_body(request, self.body)
        self.sent(ClientReserveSerializer)
        client = int(self.kwargs["client"])
        if not client:
            raise NotFound(field="client")
        body: dict[str, Any] = {**self.body, "client": client}
        if "slot" in body:
            slot = get_or_404(Slot.objects.all(), pk=body.pop("slot"), field="slot")
            body = {"provider": slot.provider_id, "start_time": slot.starts_at.isoformat(), **body}
        replace_body(request, body)
        return super().create(request)

    @extend_schema(
        summary="Confirm or release a client's hold",
        parameters=[PREVIEW],
        request=ClientConfirmSerializer,
        responses={200: ANSWERS_OF_CONFIRM, **refusals(403, 409, 410)},
        examples=[OpenApiExample("Confirm", {"reservation": 1}, request_only=True)],
    )
    def confirm(self, request: Request, *args: Any, **kwargs: Any) -> Response:  # type: ignore[override]
        replace_body(request, self.body)
        sent = self.sent(ClientConfirmSerializer)
        of_client = self.get_queryset().filter(client=int(self.kwargs["client"]))
        self.kwargs["pk"] = str(get_or_404(of_client, pk=sent["reservation"], field="reservation").pk)
        rest = {name: value for name, value in self.body.items() if name != "reservation"}
        replace_body(request, {"confirmed": True, **rest})
        return super().confirm(request, self.kwargs["pk"])  # type: ignore[call-arg]


class ClientRegisterSerializer(RegisterSerializer):
    role = None  # type: ignore[assignment]


class RegisterClientView(RegisterView):
    serializer_class = ClientRegisterSerializer
    role = Role.CLIENT

    def sent(self) -> dict[str, Any]:
        return {**super().sent(), "role": self.role}


class RegisterProviderView(RegisterClientView):
    role = Role.PROVIDER


# --- The table --------------------------------------------------------------------------------------------------------


class Alias(NamedTuple):
    """A short address, the address it stands for, and the view of both."""

    method: str
    path: str
    stands_for: str
    view: View

    @property
    def operation(self) -> str:
        return f"{self.method} {ROOT}{self.path}"


def action(viewset: Any, method: str, name: str, *, detail: bool = True) -> View:
    """Return the view of one action of a viewset, as the router makes it."""
    options = {"detail": detail, **getattr(getattr(viewset, name), "kwargs", {}), "parser_classes": [Parser]}
    return cast("View", viewset.as_view({method: name}, **options))


ALIASES = [
    Alias("get", "doctors", "get /api/v1/providers", action(ProviderViewSet, "get", "list", detail=False)),
    Alias("get", "doctors/{id}", "get /api/v1/providers/{id}", action(ProviderViewSet, "get", "retrieve")),
    Alias(
        "get",
        "doctors/{id}/availability",
        "get /api/v1/providers/{id}/availability",
        action(ScheduleViewSet, "get", "availability"),
    ),
    Alias(
        "post",
        "appointments/availability",
        "post /api/v1/schedules",
        action(WindowViewSet, "post", "create", detail=False),
    ),
    Alias(
        "post",
        "appointments/{id}/reserve",
        "post /api/v1/slots/{id}/reserve",
        action(SlotViewSet, "post", "reserve"),
    ),
    Alias(
        "post",
        "appointments/{id}/confirm",
        "post /api/v1/reservations/{id}/confirm",
        action(ReservationViewSet, "post", "confirm"),
    ),
    Alias(
        "post",
        "clients/{client}/reserve",
        "post /api/v1/reservations",
        action(ClientReservationViewSet, "post", "create"),
    ),
    Alias(
        "post",
        "clients/{client}/confirm",
        "post /api/v1/reservations/{id}/confirm",
        action(ClientReservationViewSet, "post", "confirm"),
    ),
]

REGISTERING = {
    "clients": (ClientViewSet, RegisterClientView),
    "providers": (ProviderViewSet, RegisterProviderView),
}
"""Addresses at which a visitor registers, and whoever is logged in adds somebody else."""


def registering(viewset: Any, register: Any) -> View:
    """Return a view that registers who posts without a login, and leaves all else to the viewset."""
    others = viewset.as_view({"get": "list", "post": "create"}, detail=False)
    visitors = register.as_view(parser_classes=[Parser])

    def view(request: HttpRequest) -> HttpResponseBase:
        registers = request.method == "POST" and is_visitor(request)
        return cast("HttpResponseBase", (visitors if registers else others)(request))

    return csrf_exempt(view)  # The API's views ask for CSRF tokens themselves.


def is_visitor(request: HttpRequest) -> bool:
    """Return whether a request has no login; false for one with a login that is refused."""
    try:
        return not APIView().initialize_request(request).user.is_authenticated
    except APIException:
        return False


def pattern_of(path: str) -> str:
    numbers = path.replace("{id}", rf"(?P<pk>{ID})").replace("{client}", rf"(?P<client>{ID})")
    return rf"^{numbers}/?$"


def name_of(path: str) -> str:
    return "alias-" + re.sub(r"[^a-z]+", "-", path).strip("-")


registering_urlpatterns = [
    re_path(pattern_of(path), registering(*views), name=f"{path.removesuffix('s')}-list")
    for path, views in REGISTERING.items()
]
"""Before those of the router: the same addresses, with the same names, by which API keys are let in."""

urlpatterns: list[URLPattern] = [
    re_path(pattern_of(alias.path), alias.view, name=name_of(alias.path)) for alias in ALIASES
]

# --- The schema -------------------------------------------------------------------------------------------------------

TAG = "Aliases"


def mark_aliases(result: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
    """Say of each alias in the schema what it stands for, and of two addresses that visitors register there."""
    for alias in ALIASES:
        method, _, path = alias.stands_for.partition(" ")
        operation = result["paths"][ROOT + alias.path][alias.method]
        operation["tags"] = [TAG]
        operation["description"] = f"An alias of `{method.upper()} {path}`. Names in the body may be in camelCase."
        operation["x-alias-of"] = alias.stands_for
    for path in REGISTERING:
        operation = result["paths"][ROOT + path]["post"]
        role = path.removesuffix("s")
        operation["description"] = (
            f"{operation.get('description', '')} Without signing in, it registers a {role}: the body, answer and "
            "limits are those of `POST /api/v1/register`, without the `role`."
        ).strip()
        operation["security"] = [*operation.get("security", []), {}]
        registered = result["paths"][f"{ROOT}register"]["post"]["responses"]["201"]["content"]["application/json"]
        added = operation["responses"]["201"]["content"]["application/json"]
        added["schema"] = {"oneOf": [added["schema"], registered["schema"]]}
    return result
