"""The API to register, to log in and out, and of tokens and passwords."""

from uuid import UUID

from allauth.account.models import EmailAddress
from django.conf import settings
from django.contrib.auth import logout, update_session_auth_hash
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.authentication import SessionAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.base import AboutOneEmailView, PublicView, View
from accounts.mails import operations as mails
from accounts.models import User
from accounts.sign_in import identities, serializers, sign_ins
from accounts.sign_in import operations as sign_in
from accounts.sign_in.devices import Device
from accounts.sign_in.errors import (
    IdentityNotValid,
    NoActiveAccount,
    NoIssuer,
    SecondFactorRequired,
    TokenNotValid,
    WrongCode,
)
from accounts.sign_in.issuer import claims_of
from accounts.sign_in.registration import register
from accounts.sign_in.sign_ins import Origin
from scheduler_project.common.api.schema import refusals

LINK_ASKED = _("If your email isn't verified yet, we've sent you a link.")


RESET_ASKED = _("If there's an account with this email, we've sent a link to it.")


class RegisterView(PublicView):
    serializer_class = serializers.RegisterSerializer
    throttle_scope = "register"

    @extend_schema(
        operation_id="register",
        summary="Register as a client or a provider",
        description=(
            "Providers start with a schedule of Monday to Friday, 09:00 to 17:00 in their time zone. Clients can "
            "find and book them, and they can send messages, once `missing` is empty: they have verified their "
            "email with the link we send now, and staff have approved them."
        ),
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
        user = register(**self.sent(), now=timezone.now())
        send_link_to_verify(request, user)
        return self.signed_in(user, 201)


class VerifyEmailView(View):
    serializer_class = serializers.DetailSerializer

    @extend_schema(
        operation_id="me_email_verify",
        summary="Resend the link to verify your email",
        description="Up to a few times an hour. Opening the link verifies your sign-in email.",
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
        summary="Sign in",
        description=(
            "Accounts with two-factor authentication also need a `code`: without one, the answer is 401 with the "
            "code `second_factor_required`."
        ),
        responses={200: serializers.SignedInSerializer, **refusals(401, 429)},
        examples=[
            OpenApiExample(
                "Email and password",
                {"email": "grace@example.org", "password": "nanoseconds-of-wire"},
                request_only=True,
            ),
            OpenApiExample(
                "With two-factor authentication",
                {"email": "grace@example.org", "password": "nanoseconds-of-wire", "code": "123456"},
                request_only=True,
            ),
        ],
    )
    def post(self, request: Request) -> Response:
        try:
            user = sign_in.log_in(**self.sent(), device=Device.of(request), now=timezone.now())
            return self.signed_in(user)
        except (NoActiveAccount, SecondFactorRequired, WrongCode) as error:
            raise AuthenticationFailed(error.message, error.code) from error


class IssuerLoginView(PublicView):
    serializer_class = serializers.IdentitySerializer

    @extend_schema(
        operation_id="login_oidc",
        summary="Sign in with an ID token",
        description=(
            "Exchanges an ID token from the OpenID Connect issuer the site trusts (`OIDC_ISSUER`) for tokens of "
            "this API. The token must be for this site (`aud`), at most ten minutes old, and works once. New "
            "people become clients. Accounts with two-factor authentication also need a `code`, unless the site "
            "leaves that to the issuer."
        ),
        responses={200: serializers.SignedInSerializer, **refusals(401, 403, 409, 429, 503)},
    )
    def post(self, request: Request) -> Response:
        sent, now = self.sent(), timezone.now()
        if not settings.OIDC_ISSUER:
            raise NoIssuer
        try:
            claims = claims_of(sent["id_token"], nonce=sent.get("nonce"))
            identities.check_new(claims, now=now)
            user = identities.log_in_by_identity(
                identities.Identity.of(claims),
                code=sent.get("code", ""),
                device=Device.of(request),
                timezone=sent["timezone"],
                now=now,
            )
            identities.spend(sent["id_token"])
            return self.signed_in(user)
        except (IdentityNotValid, SecondFactorRequired, WrongCode) as error:
            raise AuthenticationFailed(error.message, error.code) from error


class RefreshView(PublicView):
    serializer_class = serializers.RefreshSerializer
    throttle_scope = None

    @extend_schema(
        operation_id="token_refresh",
        summary="Refresh tokens",
        description=(
            "Each refresh token works once. Using it again ends its sign-in and all its tokens, because someone "
            "may have stolen it. Repeating the request within a few seconds is treated as a lost answer and "
            "returns the same refresh token. Tokens of inactive users, or from before a password change, are "
            "refused."
        ),
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
        description=(
            "Revokes the access token you send and its refresh token immediately. To revoke another of your "
            "refresh tokens and its access tokens too, send it in the body."
        ),
        responses={204: None, **refusals(400)},
    )
    def post(self, request: Request) -> Response:
        sign_ins.log_out(**self.sent(), user=self.user, now=timezone.now())
        if isinstance(request.successful_authenticator, SessionAuthentication):
            logout(request._request)  # noqa: SLF001  (DRF's own way)
        return Response(status=204)


class SignInsView(View):
    """The caller's sign-ins."""

    serializer_class = serializers.SignInSerializer
    pagination_class = None
    filter_backends = []

    @extend_schema(
        operation_id="sign_ins_list",
        summary="List your sign-ins",
        description="Browsers and apps, last used first. `last_used_at` is accurate to a minute.",
        responses=serializers.SignInSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        rows = sign_ins.live_sign_ins(self.user, now=timezone.now())
        return Response(self.get_serializer(rows, many=True).data)

    @extend_schema(
        operation_id="sign_ins_destroy_others",
        summary="Sign out everywhere else",
        description="Ends all other browser sessions, and all tokens except those of your current sign-in.",
        responses={204: None},
    )
    def delete(self, request: Request) -> Response:
        sign_ins.end_sign_ins(user=self.user, keep=self.user.sign_in, now=timezone.now())
        return Response(status=204)


class SignInView(View):
    @extend_schema(
        operation_id="sign_ins_destroy",
        summary="End a sign-in",
        description="Ends one browser's session or one app's tokens immediately.",
        request=None,
        responses={204: None},
    )
    def delete(self, request: Request, sign_in_id: UUID) -> Response:
        sign_ins.end_one_of(user=self.user, sign_in_id=sign_in_id, now=timezone.now())
        return Response(status=204)


class PasswordChangeView(View):
    """A change of password. It ignores Idempotency-Key: passwords and tokens are never stored for replay."""

    serializer_class = serializers.PasswordChangeSerializer
    throttle_scope = "login"

    @extend_schema(
        operation_id="password_change",
        summary="Change your password",
        description="Revokes all tokens issued under the old password immediately and returns a new pair.",
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
        user = sign_in.change_password(user_id=self.user.pk, **self.sent(), device=Device.of(request))
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
        summary="Request a password reset",
        description="The answer is the same whether or not the account exists.",
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
        summary="Set a new password with the values from the emailed link",
        responses={204: None, **refusals(400)},
    )
    def post(self, request: Request) -> Response:
        sign_in.reset_password(**self.sent())
        return Response(status=204)
