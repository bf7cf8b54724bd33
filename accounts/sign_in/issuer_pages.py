"""Log-in pages by the OpenID Connect issuer: django-allauth's flow, with our checks of tokens and identities.

Of allauth are the state, PKCE, the swap of the code, and the stages of logging in. Ours are the calls with deadlines,
the nonce, the check of the token's signature, and the decision which login an identity belongs to.
"""

from typing import Any
from urllib.parse import urlsplit

from allauth.account.utils import get_next_redirect_url
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter, get_adapter
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialLogin, SocialToken
from allauth.socialaccount.providers.base.constants import AuthError, AuthProcess
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView
from allauth.socialaccount.providers.openid_connect.provider import OpenIDConnectProvider
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import get_random_string
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from requests import RequestException, Session

from accounts.sign_in.errors import IdentityNotValid, IssuerUnavailable
from accounts.sign_in.identities import Identity, login_of
from accounts.sign_in.issuer import claims_of, configuration, session
from scheduler_project.common.audit.security_log import SecurityEvent, log_security_event

NONCE_LENGTH = 32


class SocialAccountAdapter(DefaultSocialAccountAdapter):
    """Hooks of allauth: one issuer, from the settings and never from the database."""

    def list_apps(self, request: HttpRequest, provider: Any = None, client_id: Any = None) -> list[SocialApp]:
        if not settings.OIDC_ISSUER:
            return []
        return [
            SocialApp(
                provider=OpenIDConnectProvider.id,
                provider_id=settings.OIDC_ISSUER,  # Rows of another issuer are other people's.
                name=settings.OIDC_NAME,
                client_id=settings.OIDC_CLIENT_ID,
                secret=settings.OIDC_CLIENT_SECRET,
                settings={"server_url": settings.OIDC_ISSUER, "oauth_pkce_enabled": True},
            )
        ]

    def get_provider(self, request: HttpRequest, provider: Any, client_id: Any = None) -> "IssuerProvider":
        return IssuerProvider(request, app=self.get_app(request, provider=provider))

    def get_requests_session(self) -> Session:
        return session()

    def on_authentication_error(
        self, request: HttpRequest, provider: Any, error: Any = None, exception: Any = None, extra_context: Any = None
    ) -> None:
        """Refuse with a page, or, if the visitor changed their mind, show the log-in page again."""
        if error == AuthError.CANCELLED:
            messages.info(request, _("You're not signed in."))
            raise ImmediateHttpResponse(HttpResponseRedirect(reverse("account_login")))
        refusal = IssuerUnavailable() if isinstance(exception, RequestException) else IdentityNotValid()
        log_security_event(SecurityEvent.LOGIN_FAILED, reason=refusal.code)
        raise refusal

    def send_notification_mail(self, *args: Any, **kwargs: Any) -> None:
        """Send nothing: `accounts.sign_in.security_events` does."""


class IssuerProvider(OpenIDConnectProvider):
    def get_oauth2_adapter(self, request: HttpRequest) -> "IssuerAdapter":
        return IssuerAdapter(request)


class IssuerAdapter(OpenIDConnectOAuth2Adapter):
    """The exchange with the issuer."""

    state: dict[str, Any]

    def __init__(self, request: HttpRequest) -> None:
        super().__init__(request, settings.OIDC_ISSUER)

    @property
    def openid_config(self) -> dict[str, Any]:
        return configuration()

    def get_callback_url(self, request: HttpRequest, app: SocialApp) -> str:
        return settings.SITE_URL + reverse("issuer-callback")

    def complete_login(self, request: HttpRequest, app: SocialApp, token: SocialToken, **kwargs: Any) -> SocialLogin:
        """Return the log-in of a person whose identity the issuer vouches for. Nothing of it but its key is kept."""
        claims = claims_of(kwargs["response"].get("id_token"), nonce=self.state["nonce"])
        if "email" not in claims:
            claims = self._with_email(claims, token)
        language = get_language() or ""
        login_of(
            Identity.of(claims),
            timezone=timezone.get_current_timezone_name(),
            language="" if language == settings.LANGUAGE_CODE else language,
            now=timezone.now(),
        )
        request.skips_second_factor = settings.OIDC_SECOND_FACTOR  # type: ignore[attr-defined]  # AccountAdapter asks
        account = SocialAccount(provider=settings.OIDC_ISSUER, uid=claims["sub"])
        return SocialLogin(account=account, provider=self.get_provider())

    def _with_email(self, claims: dict[str, Any], token: SocialToken) -> dict[str, Any]:
        """Ask for the email where the ID token leaves it out. The answer must be about the same person."""
        url = str(self.openid_config.get("userinfo_endpoint", ""))
        if urlsplit(url).scheme != "https" and settings.OIDC_ISSUER.startswith("https:"):
            return claims
        more = self._fetch_user_info(token.token)
        if not isinstance(more, dict) or more.get("sub") != claims["sub"]:
            raise IdentityNotValid
        return {**more, **claims}


class IssuerCallbackView(OAuth2CallbackView):
    """The page that the issuer leads back to."""

    def _get_state(self, request: HttpRequest, provider: Any) -> tuple[Any, Any]:
        state, response = super()._get_state(request, provider)
        self.adapter.state = state
        return state, response


def authorization_url(request: HttpRequest) -> str:
    """Return the issuer's page on which the visitor logs in, and remember that this browser asked for it."""
    nonce = get_random_string(NONCE_LENGTH)
    asked = {"nonce": nonce}
    if request.user.is_authenticated:
        asked["prompt"] = "login"  # It is to show that it is still the same person.
    provider = get_adapter(request).get_provider(request, settings.OIDC_ISSUER)
    answer = provider.redirect(
        request, AuthProcess.LOGIN, next_url=get_next_redirect_url(request), auth_params=asked, nonce=nonce
    )
    return str(answer.headers["Location"])


def come_back(request: HttpRequest) -> HttpResponse:
    """Log the visitor in with what the issuer says. Raises IdentityNotValid and what `login_of` raises."""
    if request.GET.get("iss", settings.OIDC_ISSUER) != settings.OIDC_ISSUER:  # RFC 9207
        raise IdentityNotValid
    answer: HttpResponse = IssuerCallbackView.adapter_view(IssuerAdapter(request))(request)
    return answer
