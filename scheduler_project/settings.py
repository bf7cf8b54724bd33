"""All settings. Only this module reads the environment.

The text below each `env` call gives the variable's meaning; `make reference` makes docs/reference/settings.md of these
texts, and `.env.example` lists the names. A variable that is missing or malformed stops the start with a message that
names it.

One module, and a long one: it is a list in sections, and operators, the reference and the type checker's plugin for
Django look for each setting in one place.
"""

import re
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import environ
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()

# --- The site -------------------------------------------------------------------------------------------------------

SECRET_KEY = env.str("SECRET_KEY")
"""Signs tokens, sessions and the links in messages. With another key all users must log in again, and links already
sent no longer work. `make run` makes one and keeps it in `var/`."""
DEBUG = env.bool("DEBUG", default=False)
"""Error pages for developers. Never on a public site."""
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
"""The host names the site answers to."""
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
"""Other origins trusted to post forms, each with its scheme: `https://example.org`."""
SITE_NAME = env.str("SITE_NAME", default="Scheduler")
"""The name of the site on its pages and in its messages."""
SITE_URL = env.str("SITE_URL", default="http://localhost:8000").rstrip("/")
"""The beginning of every link in messages. `make run`: its own address."""
SECURE = env.bool("SECURE", default=True)
"""HTTPS only: redirects, HSTS, secure cookies. `off` for plain http on one's own machine. `make run`: `off`."""

INSTALLED_APPS = [
    "scheduler_project.apps.SchedulerConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "django.forms",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "corsheaders",
    "csp",
    "django_celery_beat",
    "django_filters",
    "django_htmx",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "drf_standardized_errors",
    "phonenumber_field",
    "rest_framework",
    "rest_framework_simplejwt",
    "scheduler_project.common",
    "accounts",
    "booking",
    "reminders",
    "analytics",
    "scheduler_project.reference",
]

MIDDLEWARE = [
    "scheduler_project.common.pages.headers.with_safe_headers",  # first, so that refusals by the others have them too
    "scheduler_project.common.api.cors.CorsMiddleware",  # likewise, and preflights are answered before redirects
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "scheduler_project.common.pages.cookies.with_sound_cookies",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "scheduler_project.common.audit.log.by_request",
    "scheduler_project.common.audit.security_log.with_refusals_logged",
    "scheduler_project.common.languages.in_language",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "accounts.sign_in.authentication.SessionMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "scheduler_project.common.pages.base.for_pages",
    "scheduler_project.common.pages.base.with_refusals",
    "scheduler_project.common.limits.throttling.with_quotas",
    "scheduler_project.common.limits.long_work.with_threads_to_spare",
]

ROOT_URLCONF = "scheduler_project.urls"
WSGI_APPLICATION = "scheduler_project.wsgi.application"
APPEND_SLASH = True

# --- The web server and workers -------------------------------------------------------------------------------------

WEB_WORKERS = env.int("WEB_WORKERS", default=2)
"""Processes that answer requests."""
WEB_THREADS = env.int("WEB_THREADS", default=4)
"""Threads of each web process. Each uses at most one database connection."""
WEB_CONNECTIONS = env.int("WEB_CONNECTIONS", default=4_000)
"""Connections each web process keeps at a time. Beyond that, it closes some of the client that has most."""
WEB_WAITING = env.int("WEB_WAITING", default=200)
"""Requests that may wait for a thread of a web process. It answers more with 503."""
WEB_KEEP_ALIVE_SECONDS = env.int("WEB_KEEP_ALIVE_SECONDS", default=75)
"""Seconds a connection may wait for its next request. Must be longer than a proxy in front keeps its own."""
WEB_LONG_WORK = env.int("WEB_LONG_WORK", default=max(1, WEB_THREADS // 2))
"""Threads of a web process that may be busy at a time with slow requests: the admin, reports, searches of the API. It
answers more with 503. The default is half of `WEB_THREADS`."""
WORKER_PROCESSES = env.int("WORKER_PROCESSES", default=2)
"""Tasks that a worker, and rounds of sending that a sender, works on at a time, each in its own process."""

# --- Pages and languages --------------------------------------------------------------------------------------------

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "scheduler_project.common.pages.base.site",
            ],
            "builtins": [
                "scheduler_project.common.templatetags.dates",
                "scheduler_project.common.templatetags.names",
                "scheduler_project.common.templatetags.zones",
            ],
        },
    },
]

FORM_RENDERER = "django.forms.renderers.TemplatesSetting"

STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

LANGUAGE_CODE = env.str("LANGUAGE_CODE", default="en")
"""The language of people who chose none, one of the catalogues or `en`."""
LANGUAGES = [("en", "English"), ("de", "Deutsch"), ("fr", "Français"), ("es", "Español")]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
FORMAT_MODULE_PATH = "scheduler_project.formats"
USE_TZ = True
TIME_ZONE = "UTC"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- PostgreSQL and Redis -------------------------------------------------------------------------------------------

DATABASE_WAIT_SECONDS = env.float("DATABASE_WAIT_SECONDS", default=5)
"""Seconds a request waits for a database connection if all those of its process are busy. Then 503."""
DATABASE_CONNECT_SECONDS = env.int("DATABASE_CONNECT_SECONDS", default=5)
"""Seconds PostgreSQL may take to accept a connection."""
WEB_STATEMENT_SECONDS = env.float("WEB_STATEMENT_SECONDS", default=10)
"""Seconds one statement of a page or of the API may take. Then 503. `0` is for ever."""
WEB_LOCK_SECONDS = env.float("WEB_LOCK_SECONDS", default=5)
"""Seconds a page or the API waits for a lock that somebody else holds. Then 503. `0` is for ever."""
JOB_STATEMENT_SECONDS = env.float("JOB_STATEMENT_SECONDS", default=300)
"""Seconds one statement of a worker or of beat may take. `0` is for ever."""
JOB_LOCK_SECONDS = env.float("JOB_LOCK_SECONDS", default=60)
"""Seconds a worker or beat waits for a lock that somebody else holds. `0` is for ever."""
DATABASE_IDLE_TRANSACTION_SECONDS = env.float("DATABASE_IDLE_TRANSACTION_SECONDS", default=60)
"""Seconds a transaction may be idle before PostgreSQL rolls it back. `0` is for ever."""
DATABASE_CONN_MAX_AGE = env.int("DATABASE_CONN_MAX_AGE", default=600)
"""Seconds a database connection is kept."""
DATABASE_PREPARE = env.bool("DATABASE_PREPARE", default=True)
"""Prepared statements, which save PostgreSQL the planning. Turn them off behind a pooler in transaction mode."""

DATABASE = env.db_url("DATABASE_URL")
"""The PostgreSQL to use: `postgres://user:password@host:5432/name`. `make run` brings its own if this is missing."""
DATABASES = {
    "default": {
        **DATABASE,
        "ENGINE": "scheduler_project.common.db.postgresql",
        "CONN_MAX_AGE": DATABASE_CONN_MAX_AGE,
        "CONN_HEALTH_CHECKS": True,
        # A cursor on the server outlives its transaction, which no pooler in transaction mode allows.
        "DISABLE_SERVER_SIDE_CURSORS": not DATABASE_PREPARE,
        "OPTIONS": {
            "connect_timeout": DATABASE_CONNECT_SECONDS,
            # A vanished server is noticed within half a minute, not in the system's two hours.
            "keepalives_idle": 15,
            "keepalives_interval": 5,
            "keepalives_count": 3,
            "tcp_user_timeout": 30_000,
            **DATABASE.get("OPTIONS", {}),
            # A pooler in transaction mode cannot keep prepared statements.
            **(
                {"server_side_binding": True, "prepare_threshold": 2}
                if DATABASE_PREPARE
                else {"prepare_threshold": None}
            ),
        },
    }
}

REDIS_URL = env.str("REDIS_URL")
"""The Redis or Valkey to use: `redis://host:6379/0` or `unix:///path`. `make run` brings its own if this is missing."""
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "common_cache",
        "OPTIONS": {"MAX_ENTRIES": 100_000},
    }
}
"""In PostgreSQL, because django-allauth's counts of guesses and used codes must survive a loss of Redis."""

# --- People ---------------------------------------------------------------------------------------------------------

AUTH_USER_MODEL = "accounts.User"
PASSWORD_HASHERS = [
    "accounts.sign_in.hashers.Argon2PasswordHasher",
    "accounts.sign_in.hashers.PBKDF2PasswordHasher",
]
PASSWORD_HASHES_AT_ONCE = env.int("PASSWORD_HASHES_AT_ONCE", default=2)
"""Passwords one process hashes or checks at a time. Each takes 19 MiB and a core."""
PASSWORD_HASH_WAIT_SECONDS = env.float("PASSWORD_HASH_WAIT_SECONDS", default=3.0)
"""Seconds another password may wait for its turn. Then 503."""
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ("email", "name")},
    },
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "after-login"
ACCOUNT_ADAPTER = "accounts.sign_in.adapter.AccountAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_FORMS = {
    "add_email": "accounts.sign_in.forms.ChangeEmailForm",
    "change_password": "accounts.sign_in.forms.ChangePasswordForm",
    "login": "accounts.sign_in.forms.LoginForm",
    "reauthenticate": "accounts.sign_in.forms.ReauthenticateForm",
    "reset_password": "accounts.sign_in.forms.ResetForm",
    "reset_password_from_key": "accounts.sign_in.forms.NewPasswordForm",
    "signup": "accounts.sign_in.forms.SignupForm",
}
ACCOUNT_EMAIL_VERIFICATION = "optional"
"""New users can book at once. The second factor, which needs an owned mailbox, asks for a verified email."""
ACCOUNT_CHANGE_EMAIL = True
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_PASSWORD_RESET_TOKEN_GENERATOR = "django.contrib.auth.tokens.PasswordResetTokenGenerator"  # noqa: S105
"""The same as the API's, so that there is one mail with one link."""
STAFF_IDLE_MINUTES = env.int("STAFF_IDLE_MINUTES", default=30)
"""Minutes that a browser in which staff are logged in may be idle."""
STAFF_SESSION_HOURS = env.int("STAFF_SESSION_HOURS", default=12)
"""Hours staff stay logged in at most."""
SESSION_DAYS = env.int("SESSION_DAYS", default=14)
"""Days a browser of other users stays logged in without being used."""
SESSION_COOKIE_AGE = SESSION_DAYS * 24 * 60 * 60
SIGN_IN_MAX_DAYS = env.int("SIGN_IN_MAX_DAYS", default=90)
"""Days all users stay signed in at most, by browser or program, however often they come back."""
MFA_TOTP_ISSUER = SITE_NAME
MFA_FORMS = {
    "authenticate": "accounts.sign_in.forms.CodeForm",
    "reauthenticate": "accounts.sign_in.forms.CodeAgainForm",
}
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]

OIDC_ISSUER = env.str("OIDC_ISSUER", default="")
"""An OpenID Connect issuer by which people may log in, exactly as its discovery document calls it:
`https://login.example.org/realms/practice`. Empty: none."""
UNLESS_ISSUER = {} if OIDC_ISSUER else {"default": ""}
OIDC_CLIENT_ID = env.str("OIDC_CLIENT_ID", **UNLESS_ISSUER)
"""The name of this site at the issuer. Required with `OIDC_ISSUER`."""
OIDC_CLIENT_SECRET = env.str("OIDC_CLIENT_SECRET", **UNLESS_ISSUER)
"""The secret by which the issuer knows this site. Required with `OIDC_ISSUER`."""
OIDC_NAME = env.str("OIDC_NAME", default="OpenID Connect")
"""The name of the issuer for people. The button says “Sign in with …”."""
OIDC_STAFF = env.bool("OIDC_STAFF", default=False)
"""Trusts the issuer with logins of staff: its verified email is enough for one. `off`: staff log in by password."""
OIDC_SECOND_FACTOR = env.bool("OIDC_SECOND_FACTOR", default=False)
"""Trusts the issuer to ask for a second factor. `off`: whoever set one up here enters it after the issuer, too."""
OIDC_TIMEOUT_SECONDS = env.float("OIDC_TIMEOUT_SECONDS", default=5)
"""Seconds the issuer may take for each answer. Then 503."""
if OIDC_ISSUER:
    SECURE_SCHEMES = {"https"} if SECURE else {"https", "http"}
    if (
        urlsplit(OIDC_ISSUER).scheme not in SECURE_SCHEMES
        or not urlsplit(OIDC_ISSUER).hostname
        or len(OIDC_ISSUER) > 200
    ):
        raise ImproperlyConfigured("OIDC_ISSUER is an address with https, of 200 characters at most")
SOCIALACCOUNT_ADAPTER = "accounts.sign_in.issuer_pages.SocialAccountAdapter"
PASSWORD_RESET_TIMEOUT = 60 * 60 * 24
PHONENUMBER_DEFAULT_FORMAT = "E164"
PHONENUMBER_DB_FORMAT = "E164"

PROVIDERS_NEED_VERIFIED_EMAIL = env.bool("PROVIDERS_NEED_VERIFIED_EMAIL", default=True)
"""A provider who registers stays hidden, and writes to nobody, until their email is verified. `make run` with demo
data: `off`."""
PROVIDERS_NEED_APPROVAL = env.bool("PROVIDERS_NEED_APPROVAL", default=True)
"""A provider who registers stays hidden, and writes to nobody, until staff approve them. `make run` with demo data:
`off`."""

# --- Booking --------------------------------------------------------------------------------------------------------

GUESTS_CONFIRM = env.bool("GUESTS_CONFIRM", default=True)
"""Guests who book by the API confirm by the code or the link that is mailed to them. `off`: they may confirm without,
or book at once by `POST /api/v1/appointments`, and count as unverified. On the pages guests confirm in any case."""
MAX_LIVE_HOLDS = env.int("MAX_LIVE_HOLDS", default=5)
"""Unconfirmed holds one client may have at a time."""
UNDECIDED_HOLD_MINUTES = env.int("UNDECIDED_HOLD_MINUTES", default=10)
"""Minutes a visitor's hold lasts before they give their details. Then it lasts as long as the schedule says."""
MAX_OPEN_APPOINTMENTS = env.int("MAX_OPEN_APPOINTMENTS", default=10)
"""Upcoming appointments that a client may have booked themselves with one provider."""
MAX_OPEN_APPOINTMENTS_UNVERIFIED = env.int("MAX_OPEN_APPOINTMENTS_UNVERIFIED", default=3)
"""Upcoming appointments with all providers together, while the client's email is not verified."""

# --- Retention ------------------------------------------------------------------------------------------------------

RETAIN_HOLDS_DAYS = env.int("RETAIN_HOLDS_DAYS", default=90)
"""Days to keep holds that never became an appointment, with the guests who never booked. `0` is for ever."""
RETAIN_MESSAGES_DAYS = env.int("RETAIN_MESSAGES_DAYS", default=400)
"""Days to keep messages after they were due, with the attempts at sending them. `0` is for ever."""
RETAIN_SLOTS_DAYS = env.int("RETAIN_SLOTS_DAYS", default=1)
"""Days to keep past slots that were never booked. `0` is for ever."""
RETAIN_TRAIL_DAYS = env.int("RETAIN_TRAIL_DAYS", default=0)
"""Days to keep the audit log, 31 at least. `0` is for ever."""

# --- Import ---------------------------------------------------------------------------------------------------------

IMPORT_MAX_BYTES = env.int("IMPORT_MAX_BYTES", default=10_000_000)
"""The largest file to import, in bytes."""
IMPORT_MAX_ROWS = env.int("IMPORT_MAX_ROWS", default=20_000)
"""The longest file to import, in rows."""
PICTURE_MAX_BYTES = env.int("PICTURE_MAX_BYTES", default=10_000_000)
"""The largest photo or logo to upload, in bytes. It is stored at a few thousandths of that."""

# --- Reminders ------------------------------------------------------------------------------------------------------

REMINDER_OFFSETS = env.list("REMINDER_OFFSETS", default=["1 day", "1 hour"])
"""Times before the start at which clients are reminded, unless the appointment, service or schedule says otherwise. A
change applies at once to appointments booked or moved after it, and within the hour to earlier ones."""
REMINDER_CHANNELS = env.list("REMINDER_CHANNELS", default=["email"])
"""The channels for clients who chose none: `email`, `sms`. A change applies like one of `REMINDER_OFFSETS`."""

SEND_TRIES = env.int("SEND_TRIES", default=3)
"""Attempts at a message that cannot be composed. A message that a server does not accept yet is retried for as long as
it is of use."""
SEND_BACKOFF_SECONDS = env.int("SEND_BACKOFF_SECONDS", default=60)
"""Seconds until the second attempt at a message that was not accepted. They double with each further one."""
SEND_BACKOFF_MAX_SECONDS = env.int("SEND_BACKOFF_MAX_SECONDS", default=1800)
"""The longest wait between two attempts, in seconds."""
SEND_PROBE_SECONDS = env.int("SEND_PROBE_SECONDS", default=15)
"""Seconds until one message is sent as a probe to a server that did not answer; all others wait. They double with each
probe."""
SEND_PROBE_MAX_SECONDS = env.int("SEND_PROBE_MAX_SECONDS", default=300)
"""The longest wait between two probes, in seconds."""
SEND_TIMEOUT_SECONDS = env.int("SEND_TIMEOUT_SECONDS", default=10)
"""Seconds a mail server, gateway or webhook may take to answer."""
SEND_LEASE_SECONDS = env.int("SEND_LEASE_SECONDS", default=60)
"""Seconds a dispatcher may keep the messages it has leased. After that another takes them over."""

SEND_RESERVE_PERCENT = env.int("SEND_RESERVE_PERCENT", default=20)
"""Percent of each limit reserved for messages that people asked for themselves, such as a link to set a new password.
The same share is kept from notices of bookings, moves and cancellations, for reminders."""


def sending_limits(text: str) -> dict[str, tuple[int, int]]:
    """Read `"site=5000/50000"` as {"site": (5000, 50000)}: the limits per hour and per day."""
    try:
        parts = [part.partition("=") for part in text.replace(" ", "").split(",") if part]
        return {name: (int(rate.partition("/")[0]), int(rate.partition("/")[2])) for name, _, rate in parts}
    except ValueError:
        raise ImproperlyConfigured(f"{text} is not written like site=5000/50000,sender=1000/5000") from None


SEND_LIMITS = {
    name.removeprefix("SEND_LIMITS_").lower(): sending_limits(env.str(name))
    for name in sorted(env.ENVIRON)
    if name.startswith("SEND_LIMITS_")
}
"""The limits of channels that have any in the environment, by channel (`reminders/channels/`)."""
for channel, theirs in SEND_LIMITS.items():
    if unknown := theirs.keys() - {"site", "sender", "recipient", "new_recipient"}:
        raise ImproperlyConfigured(f"SEND_LIMITS_{channel.upper()} knows no {', '.join(sorted(unknown))}")

# --- SMS ------------------------------------------------------------------------------------------------------------

SMS_GATEWAY = env.str("SMS_GATEWAY", default="none")
"""The gateway for text messages: `twilio`, `file`, `console` (prints them, with their codes) or `none`. With `none`
clients are offered no text messages, and any in the outbox wait. `make run`: `file`."""
if SMS_GATEWAY not in ("none", "console", "file", "twilio"):
    raise ImproperlyConfigured("SMS_GATEWAY is one of none, console, file and twilio")
SMS_FILE = env.str("SMS_FILE", default=str(BASE_DIR / "var" / "sms.txt"))
"""The file that the `file` gateway writes text messages to. `make run` keeps it in `DATA_DIR`."""
UNLESS_TWILIO = {} if SMS_GATEWAY == "twilio" else {"default": ""}
TWILIO_ACCOUNT_SID = env.str("TWILIO_ACCOUNT_SID", **UNLESS_TWILIO)
"""The account at Twilio. Required by the gateway `twilio`."""
TWILIO_AUTH_TOKEN = env.str("TWILIO_AUTH_TOKEN", **UNLESS_TWILIO)
"""The account's token, which also checks the signatures of Twilio's callbacks. Required by the gateway `twilio`."""
TWILIO_FROM = env.str("TWILIO_FROM", **UNLESS_TWILIO)
"""The sender: a number in E.164, a name, or a messaging service (`MG…`). Required by the gateway `twilio`."""
SMS_COUNTRIES = env.list("SMS_COUNTRIES", default=[])
"""The countries to whose numbers text messages are sent, by ISO 3166: `DE,AT,CH`. Empty: all."""
TWILIO_API_URL = env.str("TWILIO_API_URL", default="https://api.twilio.com")
"""The address of Twilio's API, which differs by region."""

# --- Webhooks -------------------------------------------------------------------------------------------------------

WEBHOOK_ALLOW_HTTP = env.bool("WEBHOOK_ALLOW_HTTP", default=not SECURE)
"""Allows webhooks with plain http addresses. `on` by default where `SECURE` is `off`."""
WEBHOOK_ALLOW_PRIVATE = env.bool("WEBHOOK_ALLOW_PRIVATE", default=False)
"""Allows webhooks into private networks. Providers can then reach services that only this machine should."""
WEBHOOK_PORTS = [int(port) for port in env.list("WEBHOOK_PORTS", default=["80", "443"])]
"""The ports webhooks may have. Empty: any, and providers can then reach mail servers and databases."""
WEBHOOK_DISABLE_AFTER_DAYS = env.int("WEBHOOK_DISABLE_AFTER_DAYS", default=5)
"""Days with failures only after which a webhook is disabled."""

# --- The API --------------------------------------------------------------------------------------------------------

THROTTLE = env.bool("THROTTLE", default=True)
"""Rate limits. Turn them off for load tests only."""
MAX_LIVE_HOLDS_PER_NETWORK = env.int("MAX_LIVE_HOLDS_PER_NETWORK", default=10 if THROTTLE else 0)
"""Unconfirmed holds of all clients from one network (an IPv4 address, or the first 48 bits of IPv6). `0`: any number,
which is the default where `THROTTLE` is `off`."""
ACCOUNT_RATE_LIMITS = False
"""django-allauth's own rate limits: none. Its pages share the API's counts, which lock nobody out."""
DATA_UPLOAD_MAX_MEMORY_SIZE = 1_000_000

CORS_ORIGINS = env.list("CORS_ORIGINS", default=[])
"""Other websites whose scripts may call the API, with tokens and never with cookies: `https://app.example.org`."""
for origin in CORS_ORIGINS:
    # Written otherwise (with a path, in capitals, with the usual port) it would never be what a browser sends.
    if not re.fullmatch(r"https?://[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[1-9][0-9]{0,4})?", origin) or re.fullmatch(
        r"http:.*:80|https:.*:443", origin
    ):
        raise ImproperlyConfigured(
            f"CORS_ORIGINS: {origin} is not written as browsers send it: scheme, host, a port only if it is unusual, "
            "no path, and no *"
        )
    if SECURE and origin.startswith("http:") and urlsplit(origin).hostname not in {"localhost", "127.0.0.1"}:
        raise ImproperlyConfigured(f"CORS_ORIGINS: {origin} is not https, and others on the way could read tokens")
CORS_ALLOWED_ORIGINS = CORS_ORIGINS
CORS_ALLOW_CREDENTIALS = False
CORS_URLS_REGEX = r"^/api(?:/|$)"
CORS_ALLOW_METHODS = ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"]
CORS_ALLOW_HEADERS = [
    "accept",
    "accept-language",
    "authorization",
    "content-type",
    "idempotency-key",
    "if-none-match",
]
CORS_EXPOSE_HEADERS = [
    "Content-Disposition",
    "Content-Language",
    "Deprecation",
    "ETag",
    "Idempotency-Replayed",
    "Link",
    "Location",
    "RateLimit",
    "RateLimit-Policy",
    "Retry-After",
    "Sunset",
    "WWW-Authenticate",
]
CORS_PREFLIGHT_MAX_AGE = 2 * 60 * 60
"""Seconds a browser keeps the answer to a preflight. Chromium keeps none for longer."""

TRUSTED_PROXIES = env.int("TRUSTED_PROXIES", default=0)
"""Proxies in front of the site. It counts that many addresses of `X-Forwarded-For` back to find a caller's own."""
ALLAUTH_TRUSTED_PROXY_COUNT = TRUSTED_PROXIES

THROTTLE_READ = env.str("THROTTLE_READ", default="600/min")
"""Reads of the API by one user, or from one address without a login."""
THROTTLE_SEARCH = env.str("THROTTLE_SEARCH", default="60/min")
"""Searches through all schedules, counted like reads. Each costs a hundred times a search of one provider's."""
THROTTLE_WRITE = env.str("THROTTLE_WRITE", default="120/min")
"""Writes of the API by one user, or from one address without a login."""
THROTTLE_KEY = env.str("THROTTLE_KEY", default="600/min")
"""Reads and writes of the API with one API key, in place of those of its user. Searches count as such too."""
THROTTLE_LOGIN = env.str("THROTTLE_LOGIN", default="10/min")
"""Passwords and codes entered at logging in, and passwords reset, from one address; those entered again, and passwords
changed, by one login. Wrong passwords and codes are counted separately: they slow down the person who guesses, not the
owner."""
THROTTLE_HOLD = env.str("THROTTLE_HOLD", default="60/hour")
"""Times held and mails to confirm them requested by visitors without a login, on the pages and by the API, from one
address."""
THROTTLE_UNCONFIRMED = env.str("THROTTLE_UNCONFIRMED", default="20/day")
"""Appointments booked by guests who answer no mail (`GUESTS_CONFIRM=off`), from one network. A server of yours that
books for many guests needs more."""
THROTTLE_CHANGE = env.str("THROTTLE_CHANGE", default="40/hour")
"""Appointments that one client books, moves and cancels."""
THROTTLE_CHANGE_NETWORK = env.str("THROTTLE_CHANGE_NETWORK", default="120/hour")
"""Appointments that clients book, move and cancel from one network."""
THROTTLE_REGISTER = env.str("THROTTLE_REGISTER", default="30/hour")
"""Attempts to sign up from one address, or to take another email by one login."""
THROTTLE_MAIL = env.str("THROTTLE_MAIL", default="3/hour")
"""Mails to one mailbox with a link for a login: to reset a password, to verify an email."""
THROTTLE_MAIL_LOGIN = env.str("THROTTLE_MAIL_LOGIN", default="6/hour")
"""Mails with a link to verify an email that one login asks for, to any mailbox."""
THROTTLE_MAIL_NETWORK = env.str("THROTTLE_MAIL_NETWORK", default="30/hour")
"""Mails with a link to verify an email that are requested from one network."""
THROTTLE_HOURS = env.str("THROTTLE_HOURS", default="20/min")
"""Changes of one provider's hours by themself, previews included."""
THROTTLE_HOURS_LARGE = env.str("THROTTLE_HOURS_LARGE", default="4/min")
"""Changes of hours that create more than 20,000 slots."""
THROTTLE_CODE = env.str("THROTTLE_CODE", default="3/hour")
"""Codes to verify a phone for one client and number."""
THROTTLE_CODE_DAY = env.str("THROTTLE_CODE_DAY", default="6/day")
"""Codes to verify a phone for one number."""
THROTTLE_CODE_NETWORK = env.str("THROTTLE_CODE_NETWORK", default="10/hour")
"""Codes to verify a phone that are requested from one network."""
THROTTLE_CODE_SITE = env.str("THROTTLE_CODE_SITE", default="500/day")
"""Codes to verify a phone in all."""

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "accounts.keys.authentication.KeyAuthentication",
        "accounts.sign_in.authentication.JWTAuthentication",
        "booking.api.authentication.GuestAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_PARSER_CLASSES": ["scheduler_project.common.api.content.JSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["scheduler_project.common.api.content.JSONRenderer"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "scheduler_project.common.api.content.Negotiation",
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_PAGINATION_CLASS": "scheduler_project.common.api.content.Pagination",
    "DEFAULT_THROTTLE_CLASSES": ["scheduler_project.common.limits.throttling.Throttle"],
    "DEFAULT_THROTTLE_RATES": {
        name.removeprefix("THROTTLE_").lower(): value
        for name, value in list(globals().items())
        if name.startswith("THROTTLE_")
    },
    "NUM_PROXIES": TRUSTED_PROXIES,
    "DEFAULT_SCHEMA_CLASS": "scheduler_project.common.api.schema.AutoSchema",
    "EXCEPTION_HANDLER": "drf_standardized_errors.handler.exception_handler",
    "DATETIME_FORMAT": "iso-8601",
    "UNICODE_JSON": True,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}

DRF_STANDARDIZED_ERRORS = {
    "EXCEPTION_HANDLER_CLASS": "scheduler_project.common.api.errors.ExceptionHandler",
    "EXCEPTION_FORMATTER_CLASS": "scheduler_project.common.api.errors.ExceptionFormatter",
    "ALLOWED_ERROR_STATUS_CODES": ["400", "401", "403", "404", "429"],
    "ERROR_SCHEMAS": dict.fromkeys(
        ["400", "401", "403", "404", "429"], "scheduler_project.common.api.schema.RefusalSerializer"
    ),
}

ACCESS_TOKEN_MINUTES = env.int("ACCESS_TOKEN_MINUTES", default=60)
"""Minutes an access token lasts."""
REFRESH_TOKEN_DAYS = env.int("REFRESH_TOKEN_DAYS", default=14)
"""Days a refresh token lasts."""
SIMPLE_JWT = {
    "ACCESS_TOKEN_LIFETIME": timedelta(minutes=ACCESS_TOKEN_MINUTES),
    "REFRESH_TOKEN_LIFETIME": timedelta(days=REFRESH_TOKEN_DAYS),
    "CHECK_REVOKE_TOKEN": True,
    "ISSUER": SITE_URL,
    "AUDIENCE": f"{SITE_URL}/api",
    "USER_ID_CLAIM": "sub",
}
REFRESH_GRACE_SECONDS = env.int("REFRESH_GRACE_SECONDS", default=10)
"""Seconds for which a swapped refresh token still gets the answer, for a client that lost it. A later use ends the
sign-in."""

API_KEY_DAYS = env.int("API_KEY_DAYS", default=365)
"""Days an API key lasts whose owner chose nothing else. `0` is for ever."""
API_KEY_OVERLAP_HOURS = env.int("API_KEY_OVERLAP_HOURS", default=24)
"""Hours an API key still works after it was replaced by another."""
API_KEYS_PER_LOGIN = env.int("API_KEYS_PER_LOGIN", default=20)
"""API keys that one login may have at a time."""

MCP_API_KEY = env.str("MCP_API_KEY", default="")
"""The API key as whose owner `manage.py mcp` acts. The web server does not use it."""

SPECTACULAR_SETTINGS = {
    "TITLE": "Scheduler API",
    "DESCRIPTION": "Publish availability, list free times, hold one, confirm it. [Try requests](/api/v1/docs/swagger) "
    "in Swagger UI, or take the [OpenAPI document](/api/v1/schema).",
    "VERSION": "0.2.0",
    "OAS_VERSION": "3.1.1",
    "SERVE_INCLUDE_SCHEMA": False,
    "REDOC_DIST": "SIDECAR",
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "SCHEMA_PATH_PREFIX": r"/api/v1",
    "PREPROCESSING_HOOKS": ["scheduler_project.common.api.schema.only_documented"],
    "POSTPROCESSING_HOOKS": [
        "drf_standardized_errors.openapi_hooks.postprocess_schema_enums",
        "scheduler_project.common.api.schema.close_requests",
        "scheduler_project.aliases.mark_aliases",
        "scheduler_project.documentation.hooks.complete",
    ],
    "GET_LIB_DOC_EXCLUDES": "scheduler_project.documentation.hooks.internal_classes",
    "ENUM_NAME_OVERRIDES": {
        "ReservationStatusEnum": "booking.reservations.enums.ReservationStatus",
        "AppointmentStatusEnum": "booking.appointments.enums.AppointmentStatus",
        "AllowedActionsEnum": "booking.appointments.enums.Action",
        "AllowedHoldActionsEnum": "booking.reservations.enums.HoldAction",
        "OverrideEnum": "booking.reservations.enums.Override",
        "MessageStatusEnum": "reminders.enums.PUBLIC_STATUSES",
        "AddressChannelEnum": "reminders.channels.registry.personal_choices",
        "RecipientEnum": "reminders.enums.Recipient",
        "WordsRecipientEnum": "reminders.enums.OF_BOOKINGS",
        "ChannelEnum": "reminders.channels.registry.channel_choices",
        "WordsKindEnum": "reminders.templates.models.KINDS",
    },
}

# --- Background work ------------------------------------------------------------------------------------------------

CELERY_BROKER_URL = f"redis+socket://{urlsplit(REDIS_URL).path}" if REDIS_URL.startswith("unix:") else REDIS_URL
# A caller that wakes a worker must not wait for a hanging broker. Longer than the second for which a worker listens at
# a time.
CELERY_BROKER_TRANSPORT_OPTIONS = {"socket_timeout": 5, "socket_connect_timeout": 2}
CELERY_WORKER_CONCURRENCY = WORKER_PROCESSES
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_TIME_LIMIT = 600
CELERY_TIMEZONE = "UTC"
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = True
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_BEAT_SCHEDULER = "scheduler_project.beat:Scheduler"
DJANGO_CELERY_BEAT_TZ_AWARE = True

# --- Mail -----------------------------------------------------------------------------------------------------------

email_url = env.str("EMAIL_URL", default="")
"""The mail server: `smtp+tls://user:password@host:587`. Empty: mails wait. `consolemail://` prints them, with the links
in them, and `filemail:///path` keeps them as files. `make run` keeps them in `mail` in `DATA_DIR`."""
if email_url:
    MAIL_SERVER = env.email_url("EMAIL_URL")
    if MAIL_SERVER["EMAIL_BACKEND"] == "django.core.mail.backends.smtp.EmailBackend":
        MAIL_SERVER["EMAIL_BACKEND"] = "scheduler_project.common.mail.backend.Backend"  # with a deadline for every step
    vars().update(MAIL_SERVER)
else:
    EMAIL_BACKEND = "scheduler_project.common.mail.smtp.NoMailServer"
MAILBOX = env.bool("MAILBOX", default=False)
"""Shows, at `/mail/`, the mails that `filemail:` keeps, to everybody. For your own machine only. `make run`: `on`,
unless other machines can reach the site."""
ADMINS = [("", address) for address in env.list("ADMINS", default=[])]
"""Addresses that get a mail if the weekly inspection finds something, and no other mail."""
ADMIN_MAILS_PER_DAY = env.int("ADMIN_MAILS_PER_DAY", default=10)
"""Different mails per day to each of `ADMINS` at most. The same mail comes once a day."""
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="Scheduler <scheduler@localhost>")
"""The sender of mails."""

# --- Security -------------------------------------------------------------------------------------------------------

SECURE_SSL_REDIRECT = SECURE
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
SECURE_HSTS_SECONDS = 60 * 60 * 24 * 365 if SECURE else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE
SECURE_HSTS_PRELOAD = SECURE
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = SECURE
LANGUAGE_COOKIE_SAMESITE = "Lax"
COOKIE_PREFIX = "__Host-" if SECURE else ""
"""Prefix of all cookies: no other site of the same domain can then set them (RFC 6265bis §4.1.3.2)."""
SESSION_COOKIE_NAME = f"{COOKIE_PREFIX}sessionid"
CSRF_COOKIE_NAME = f"{COOKIE_PREFIX}csrftoken"
LANGUAGE_COOKIE_NAME = f"{COOKIE_PREFIX}django_language"
TIMEZONE_COOKIE_NAME = f"{COOKIE_PREFIX}timezone"
CLOCK_COOKIE_NAME = f"{COOKIE_PREFIX}clock"
VISITOR_COOKIE_NAME = f"{COOKIE_PREFIX}visitor"
MESSAGES_COOKIE_NAME = f"{COOKIE_PREFIX}messages"
MESSAGE_STORAGE = "scheduler_project.common.pages.cookies.MessageStorage"
BEHIND_TLS_PROXY = env.bool("BEHIND_TLS_PROXY", default=False)
"""Trusts `X-Forwarded-Proto` of the proxy in front, which speaks TLS."""
if BEHIND_TLS_PROXY:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}
"""Inline scripts and styles are blocked."""

LOG_LEVEL = env.str("LOG_LEVEL", default="INFO")
"""The least severe messages to log: `DEBUG`, `INFO`, `WARNING` or `ERROR`. Security events are always logged."""
DEFAULT_EXCEPTION_REPORTER = "scheduler_project.common.audit.redaction.Reporter"
DEFAULT_EXCEPTION_REPORTER_FILTER = "scheduler_project.common.audit.redaction.ReporterFilter"
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"quiet": {"()": "scheduler_project.common.audit.redaction.Quiet"}},
    "formatters": {
        "line": {
            "()": "scheduler_project.common.audit.redaction.Formatter",
            "format": "%(asctime)s %(levelname)s %(name)s: %(message)s",
        }
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["quiet"]}},
    "loggers": {
        # Django's own handlers here mail ADMINS within a request, with all data of the request and the process.
        "django": {"handlers": [], "level": "INFO"},
        "celery": {"level": "WARNING"},  # else a line for each wake-up
        "django.request": {"level": "ERROR"},
        "mcp": {"level": "WARNING"},  # else two lines for each message
        # Whatever LOG_LEVEL is: log-ins are no errors, but must be logged.
        "security": {"level": "INFO"},
    },
    "root": {"handlers": ["console"], "level": LOG_LEVEL},
}
