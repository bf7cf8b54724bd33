"""The accounts API: each view reads the clock and the request, calls one operation, and serializes the result."""

from typing import Any
from uuid import UUID

from allauth.account.models import EmailAddress
from django.contrib.auth import logout, update_session_auth_hash
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django_filters.rest_framework import DjangoFilterBackend
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_view
from rest_framework.authentication import SessionAuthentication
from rest_framework.decorators import action
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.generics import GenericAPIView
from rest_framework.permissions import AllowAny, IsAuthenticated, IsAuthenticatedOrReadOnly
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer
from rest_framework.viewsets import ModelViewSet

from accounts.actors import Actor, Face
from accounts.api import filters, permissions, serializers
from accounts.devices import Device
from accounts.errors import NoActiveAccount, SecondFactorRequired, TokenNotValid, WrongCode
from accounts.models import Client, Provider, User
from accounts.operations import logins, mails, people, sign_ins
from accounts.operations.leaving import erase_client
from accounts.operations.sign_ins import Origin
from scheduler_project.common.api_fields import ID
from scheduler_project.common.api_schema import refusals
from scheduler_project.common.api_views import StrictView
from scheduler_project.common.idempotency import IdempotentMixin

LINK_ASKED = _("Unless your email is verified already, a message with a link is on its way.")
RESET_ASKED = _("If there is an account with this email, a message with a link is on its way.")


# --- Logins -----------------------------------------------------------------------------------------------------------


class View(StrictView, GenericAPIView[Any]):
    @property
    def user(self) -> User:
        """Return the logged-in user."""
        assert isinstance(self.request.user, User)
        return self.request.user

    def sent(self) -> dict[str, Any]:
        """Return the validated request body."""
        serializer = self.get_serializer(data=self.request.data)
        serializer.is_valid(raise_exception=True)
        return serializer.validated_data

    def signed_in(self, user: User, code: int = 200) -> Response:
        """Return the login and its first pair of tokens."""
        context = self.get_serializer_context()
        tokens = sign_ins.sign_in_program(user=user, origin=Origin.of(self.request), now=timezone.now())
        return Response(serializers.SignedInSerializer({"user": user, **tokens}, context=context).data, code)


class PublicView(View):
    """Base of views for visitors: an expired token in the request does not get in their way."""

    authentication_classes: list[Any] = []
    permission_classes = [AllowAny]
    throttle_scope: str | None = "login"

    def get_authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="api"'


class AboutOneEmailView(PublicView):
    """Base of views about one email, limited per network address and per email."""

    def throttle_subject(self, request: Request) -> str | None:
        email = request.data.get("email") if isinstance(request.data, dict) else None
        return User.objects.normalize_email(email) if isinstance(email, str) else None


class RegisterView(PublicView):
    serializer_class = serializers.RegisterSerializer
    throttle_scope = "register"

    @extend_schema(
        operation_id="register",
        summary="Register as a client or a provider",
        description="A provider starts with a calendar, Monday to Friday from 09:00 to 17:00 in their timezone. They "
        "are found, booked and write to others once `missing` is empty: their email is verified by the link in the "
        "mail that is sent now, and staff have approved them.",
        responses={201: serializers.SignedInSerializer, **refusals(409)},
        examples=[
            OpenApiExample(
                "A client",
                {"name": "Grace Hopper", "email": "grace@example.org", "password": "nanoseconds-of-wire"},
                request_only=True,
            ),
            OpenApiExample(
                "A provider in Berlin",
                {
                    "name": "Dr. Ada Lovelace",
                    "email": "ada@example.org",
                    "password": "notes-on-the-engine",
                    "timezone": "Europe/Berlin",
                    "role": "provider",
                },
                request_only=True,
            ),
        ],
    )
    def post(self, request: Request) -> Response:
        user = people.register(**self.sent(), now=timezone.now())
        send_link_to_verify(request, user)
        return self.signed_in(user, 201)


class VerifyEmailView(View):
    serializer_class = serializers.DetailSerializer

    @extend_schema(
        operation_id="me_email_verify",
        summary="Have the link to verify your email mailed again",
        description="A few times an hour at most. Opening the link verifies the email you log in with.",
        request=None,
        responses={202: serializers.DetailSerializer},
    )
    def post(self, request: Request) -> Response:
        send_link_to_verify(request, self.user)
        return Response({"detail": LINK_ASKED}, 202)


def send_link_to_verify(request: Request, user: User) -> None:
    """Mail a link that verifies the email of a login, unless it is verified already."""
    address = EmailAddress.objects.filter(user=user, email=user.email, verified=False).first()
    if address is not None:
        address.send_confirmation(request._request, signup=False)  # noqa: SLF001  (DRF's own way)


class LoginView(PublicView):
    serializer_class = serializers.LoginSerializer

    @extend_schema(
        operation_id="login",
        summary="Log in",
        description="An account with a second factor needs a `code` too: without one the answer is 401 with the code "
        "`second_factor_required`.",
        responses={200: serializers.SignedInSerializer, **refusals(401, 429)},
        examples=[
            OpenApiExample(
                "Email and password",
                {"email": "grace@example.org", "password": "nanoseconds-of-wire"},
                request_only=True,
            ),
            OpenApiExample(
                "With a second factor",
                {"email": "grace@example.org", "password": "nanoseconds-of-wire", "code": "123456"},
                request_only=True,
            ),
        ],
    )
    def post(self, request: Request) -> Response:
        try:
            user = logins.log_in(**self.sent(), device=Device.of(request), now=timezone.now())
            return self.signed_in(user)
        except (NoActiveAccount, SecondFactorRequired, WrongCode) as error:
            raise AuthenticationFailed(error.message, error.code) from error


class RefreshView(PublicView):
    serializer_class = serializers.RefreshSerializer
    throttle_scope = None

    @extend_schema(
        operation_id="token_refresh",
        summary="Swap a refresh token for a new pair",
        description="Each refresh token works once. One that was swapped before ends the sign-in it belongs to, with "
        "all its tokens: two have it, of whom one is a thief. Repeated within a few seconds it is taken for a client "
        "whose answer was lost, and answers the same refresh token again. One whose user is inactive or has a new "
        "password is refused.",
        responses={200: serializers.TokensSerializer, **refusals(401)},
    )
    def post(self, request: Request) -> Response:
        try:
            return Response(sign_ins.renew(**self.sent(), now=timezone.now()))
        except TokenNotValid as error:
            raise AuthenticationFailed(error.message, error.code) from error


class LogoutView(View):
    serializer_class = serializers.LogoutSerializer

    @extend_schema(
        operation_id="logout",
        summary="Log out",
        description="Ends the access token it is asked with and its refresh token, at once. Another refresh token of "
        "yours in the body ends as well, with its access tokens.",
        responses={204: None, **refusals(400)},
    )
    def post(self, request: Request) -> Response:
        sign_ins.log_out(**self.sent(), user=self.user, now=timezone.now())
        if isinstance(request.successful_authenticator, SessionAuthentication):
            logout(request._request)  # noqa: SLF001  (DRF's own way)
        return Response(status=204)


class SignInsView(View):
    """Sign-ins of the caller."""

    serializer_class = serializers.SignInSerializer
    pagination_class = None
    filter_backends = []

    @extend_schema(
        operation_id="sign_ins_list",
        summary="Where you are signed in",
        description="Browsers and programs, the latest used first. `last_used_at` is exact to a minute.",
        responses=serializers.SignInSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        rows = sign_ins.live_sign_ins(self.user, now=timezone.now())
        return Response(self.get_serializer(rows, many=True).data)

    @extend_schema(
        operation_id="sign_ins_destroy_others",
        summary="Sign out everywhere else",
        description="Ends every other browser's session, and every token but those of the sign-in you ask with.",
        responses={204: None},
    )
    def delete(self, request: Request) -> Response:
        sign_ins.end_sign_ins(user=self.user, keep=self.user.sign_in, now=timezone.now())
        return Response(status=204)


class SignInView(View):
    @extend_schema(
        operation_id="sign_ins_destroy",
        summary="Sign out somewhere",
        description="Ends one browser's session, or one program's tokens, at once.",
        request=None,
        responses={204: None},
    )
    def delete(self, request: Request, sign_in_id: UUID) -> Response:
        sign_ins.end_one_of(user=self.user, sign_in_id=sign_in_id, now=timezone.now())
        return Response(status=204)


class MeView(IdempotentMixin, View):
    serializer_class = serializers.UserSerializer

    @extend_schema(operation_id="me_retrieve", summary="Who you are")
    def get(self, request: Request) -> Response:
        return Response(self.get_serializer(self.user).data)

    @extend_schema(
        operation_id="me_partial_update",
        summary="Change your name, timezone or language",
        examples=[OpenApiExample("A new timezone", {"timezone": "America/New_York"}, request_only=True)],
    )
    def patch(self, request: Request) -> Response:
        serializer = self.get_serializer(self.user, data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        user = people.edit_user(
            user_id=self.user.pk, changes=serializer.validated_data, actor=Actor.of(self.user, Face.API)
        )
        return Response(self.get_serializer(user).data)


class PasswordChangeView(View):
    """Not repeatable by Idempotency-Key: passwords and tokens are never stored for replay."""

    serializer_class = serializers.PasswordChangeSerializer
    throttle_scope = "login"

    @extend_schema(
        operation_id="password_change",
        summary="Change your password",
        description="Every token given for the old password ends at once; the answer carries a new pair.",
        responses={200: serializers.TokensSerializer, **refusals(400, 429)},
        examples=[
            OpenApiExample(
                "Old and new",
                {"current_password": "nanoseconds-of-wire", "new_password": "microseconds-of-rope"},
                request_only=True,
            )
        ],
    )
    def post(self, request: Request) -> Response:
        user = logins.change_password(user_id=self.user.pk, **self.sent(), device=Device.of(request))
        if isinstance(request.successful_authenticator, SessionAuthentication):
            update_session_auth_hash(request, user)
        tokens = sign_ins.fresh_tokens(
            user=user, acting=self.user.sign_in, origin=Origin.of(request), now=timezone.now()
        )
        return Response(tokens)


class PasswordResetView(AboutOneEmailView):
    serializer_class = serializers.EmailSerializer

    @extend_schema(
        operation_id="password_reset",
        summary="Ask for a link to set a new password",
        description="The answer is the same whether there is such an account or not.",
        responses={202: serializers.DetailSerializer},
        examples=[OpenApiExample("For an email", {"email": "grace@example.org"}, request_only=True)],
    )
    def post(self, request: Request) -> Response:
        mails.owe_reset_link(**self.sent(), now=timezone.now())
        return Response({"detail": RESET_ASKED}, 202)


class PasswordResetConfirmView(PublicView):
    serializer_class = serializers.PasswordResetSerializer

    @extend_schema(
        operation_id="password_reset_confirm",
        summary="Set a new password with what the mailed link carries",
        responses={204: None, **refusals(400)},
    )
    def post(self, request: Request) -> Response:
        logins.reset_password(**self.sent())
        return Response(status=204)


# --- Providers and clients --------------------------------------------------------------------------------------------


class PeopleViewSet(IdempotentMixin, StrictView, ModelViewSet[Any]):
    lookup_value_regex = ID
    filter_backends = [DjangoFilterBackend]

    @property
    def actor(self) -> Actor:
        return Actor.of(self.request.user, Face.API)


@extend_schema_view(
    list=extend_schema(summary="Who can be booked"),
    retrieve=extend_schema(summary="One provider"),
    create=extend_schema(
        summary="Add a provider (staff)",
        responses={201: serializers.ProviderSerializer, **refusals(403, 409)},
        examples=[
            OpenApiExample(
                "A tutor in Madrid",
                {"name": "Ramón y Cajal", "specialization": "Biology", "timezone": "Europe/Madrid"},
                request_only=True,
            )
        ],
    ),
    update=extend_schema(
        summary="Change a provider", responses={200: serializers.ProviderSerializer, **refusals(403, 409)}
    ),
    partial_update=extend_schema(
        summary="Change a provider",
        description="Providers change their own name, slug, specialization and bio; staff everything.",
        responses={200: serializers.ProviderSerializer, **refusals(403, 409)},
        examples=[OpenApiExample("A new bio", {"bio": "Twenty years of teaching."}, request_only=True)],
    ),
    destroy=extend_schema(
        summary="Delete a provider nobody booked (staff)", responses={204: None, **refusals(403, 409)}
    ),
)
class ProviderViewSet(PeopleViewSet):
    """Providers. Everybody can see the published ones."""

    queryset = Provider.objects.all()
    permission_classes = [IsAuthenticatedOrReadOnly, permissions.ForStaff]
    permissions = {"POST": "accounts.add_provider", "DELETE": "accounts.delete_provider"}
    filterset_class = filters.ProviderFilter

    def get_queryset(self) -> QuerySet[Provider]:
        return Provider.objects.visible_to(self.request.user)

    def get_serializer_class(self) -> type[BaseSerializer[Provider]]:
        return serializers.NewProviderSerializer if self.action == "create" else serializers.ProviderSerializer

    def perform_create(self, serializer: BaseSerializer[Provider]) -> None:
        serializer.instance = people.add_provider(**serializer.validated_data, now=timezone.now())

    def perform_update(self, serializer: BaseSerializer[Provider]) -> None:
        assert serializer.instance
        serializer.instance = people.edit_provider(
            provider_id=serializer.instance.pk,
            changes=serializer.validated_data,
            actor=self.actor,
            now=timezone.now(),
        )

    @extend_schema(
        summary="Approve a provider (staff)",
        description="They are published once their email is verified, and are told by mail.",
        request=None,
        responses={200: serializers.ProviderSerializer, **refusals(403)},
    )
    @action(detail=True, methods=["post"])
    def approve(self, request: Request, pk: str) -> Response:
        provider = people.approve_provider(provider_id=self.get_object().pk, actor=self.actor, now=timezone.now())
        return Response(serializers.ProviderSerializer(provider, context=self.get_serializer_context()).data)

    @extend_schema(
        summary="Decline a provider, or take their approval back (staff)",
        description="Clients do not find them, and nothing is sent on their behalf any more. They are told by mail.",
        request=serializers.DeclineSerializer,
        responses={200: serializers.ProviderSerializer, **refusals(403)},
    )
    @action(detail=True, methods=["post"])
    def decline(self, request: Request, pk: str) -> Response:
        said = serializers.DeclineSerializer(data=request.data, context=self.get_serializer_context())
        said.is_valid(raise_exception=True)
        provider = people.decline_provider(
            provider_id=self.get_object().pk, actor=self.actor, now=timezone.now(), **said.validated_data
        )
        return Response(serializers.ProviderSerializer(provider, context=self.get_serializer_context()).data)

    def perform_destroy(self, instance: Provider) -> None:
        people.remove_provider(provider_id=instance.pk, actor=self.actor)


@extend_schema_view(
    list=extend_schema(summary="Your clients; all of them for staff; a client finds themself"),
    retrieve=extend_schema(summary="One client"),
    create=extend_schema(
        summary="Put a client into your address book",
        description="A provider's clients go into their own address book; staff choose whose, or nobody's.",
        responses={201: serializers.ClientSerializer, **refusals(403, 409)},
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
    update=extend_schema(
        summary="Change a client", responses={200: serializers.ClientSerializer, **refusals(403, 409)}
    ),
    partial_update=extend_schema(
        summary="Change a client",
        description="Clients change their own name, phone and timezone, their provider all but the owner, staff all.",
        responses={200: serializers.ClientSerializer, **refusals(403, 409)},
        examples=[OpenApiExample("A new phone", {"phone": "+49 30 901821"}, request_only=True)],
    ),
    destroy=extend_schema(summary="Delete a client who never booked", responses={204: None, **refusals(403, 409)}),
)
class ClientViewSet(PeopleViewSet):
    """Clients. A provider sees their address book and the clients who booked with them, a client sees themself, staff
    see all."""

    queryset = Client.objects.all()
    serializer_class = serializers.ClientSerializer
    permission_classes = [IsAuthenticated, permissions.AddingNeedsACalendar]
    filterset_class = filters.ClientFilter

    def get_queryset(self) -> QuerySet[Client]:
        return Client.objects.visible_to(self.request.user)

    def perform_create(self, serializer: BaseSerializer[Client]) -> None:
        serializer.instance = people.add_client(**serializer.validated_data, actor=self.actor, now=timezone.now())

    def perform_update(self, serializer: BaseSerializer[Client]) -> None:
        assert serializer.instance
        serializer.instance = people.edit_client(
            client_id=serializer.instance.pk, changes=serializer.validated_data, actor=self.actor
        )

    @extend_schema(
        summary="Erase a client's personal data",
        description="For staff, and for the provider who keeps the client: name, email, phone, notes and all that was "
        "written about them go, their login too; their past appointments stay, without a name. Refused while "
        "appointments are to come.",
        request=None,
        responses={204: None, **refusals(403, 409)},
    )
    @action(detail=True, methods=["post"])
    def erase(self, request: Request, pk: str) -> Response:
        erase_client(client_id=self.get_object().pk, actor=self.actor, now=timezone.now())
        return Response(status=204)

    def perform_destroy(self, instance: Client) -> None:
        people.remove_client(client_id=instance.pk, actor=self.actor)
