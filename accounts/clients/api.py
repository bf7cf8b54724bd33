"""`/api/v1/clients`."""

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_view
from rest_framework.decorators import action
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from accounts.api import permissions
from accounts.api.base import PeopleViewSet
from accounts.clients import filters
from accounts.clients.fields import erasure, field_names
from accounts.clients.operations import add_client, edit_client, remove_client
from accounts.clients.serializers import ClientSerializer
from accounts.models import Client
from accounts.privacy.operations import erase_client
from scheduler_project.common.api.changes import ChangesPagination, asks_for_changes_since
from scheduler_project.common.api.schema import refusals

OWN = ", ".join(field_names(is_own=True))


ERASED = ", ".join(name for name in field_names() if name in erasure())


@extend_schema_view(
    list=extend_schema(summary="List clients"),
    retrieve=extend_schema(summary="Get a client"),
    create=extend_schema(
        summary="Add a client",
        description="Providers add clients to their own address book; staff choose whose, or none.",
        responses={201: ClientSerializer, **refusals(403, 409)},
        examples=[
            OpenApiExample(
                "A client",
                {
                    "name": "Emmy Noether",
                    "email": "emmy@example.org",
                    "phone": "+49 30 901820",
                    "timezone": "Europe/Berlin",
                    "notes": "Prefers mornings.",
                },
                request_only=True,
            )
        ],
    ),
    update=extend_schema(summary="Change a client", responses={200: ClientSerializer, **refusals(403, 409)}),
    partial_update=extend_schema(
        summary="Change a client",
        description=f"Clients can change their own {OWN}; their provider all except the owner; staff everything.",
        responses={200: ClientSerializer, **refusals(403, 409)},
        examples=[OpenApiExample("A new phone", {"phone": "+49 30 901821"}, request_only=True)],
    ),
    destroy=extend_schema(summary="Delete a client without bookings", responses={204: None, **refusals(403, 409)}),
)
class ClientViewSet(PeopleViewSet):
    """Clients. Providers see their address book and clients who booked with them, clients only see themselves,
    staff see all."""

    queryset = Client.objects.all()
    serializer_class = ClientSerializer
    permission_classes = [IsAuthenticated, permissions.AddingNeedsASchedule]
    filterset_class = filters.ClientFilter
    pagination_class = ChangesPagination

    def get_queryset(self) -> QuerySet[Client]:
        if asks_for_changes_since(self.request):
            return Client.objects.editable_by(self.request.user)  # Who else is visible changes without the client.
        return Client.objects.visible_to(self.request.user)

    def perform_create(self, serializer: BaseSerializer[Client]) -> None:
        serializer.instance = add_client(**serializer.validated_data, actor=self.actor, now=timezone.now())

    def perform_update(self, serializer: BaseSerializer[Client]) -> None:
        assert serializer.instance
        serializer.instance = edit_client(
            client_id=serializer.instance.pk, changes=serializer.validated_data, actor=self.actor
        )

    @extend_schema(
        summary="Erase a client's personal data",
        description=f"For staff and the client's own provider. Deletes the client's {ERASED}, everything written about "
        "them, and their account. Past appointments stay, without a name. Refused while there are upcoming "
        "appointments.",
        request=None,
        responses={204: None, **refusals(403, 409)},
    )
    @action(detail=True, methods=["post"])
    def erase(self, request: Request, pk: str) -> Response:
        erase_client(client_id=self.get_object().pk, actor=self.actor, now=timezone.now())
        return Response(status=204)

    def perform_destroy(self, instance: Client) -> None:
        remove_client(client_id=instance.pk, actor=self.actor)
