"""All settings. Only this module reads the environment.

Names, defaults and meanings are listed in README.md and `.env.example`. A missing or malformed variable stops the start
with a message that names it."""

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
DEBUG = env.bool("DEBUG", default=False)
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
SITE_NAME = env.str("SITE_NAME", default="Scheduler")
SITE_URL = env.str("SITE_URL", default="http://localhost:8000").rstrip("/")

INSTALLED_APPS = [
    "scheduler_project.apps.OfficeConfig",
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
]

MIDDLEWARE = [
    "scheduler_project.common.headers.with_safe_headers",  # first, so that whatever refuses has them too
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "scheduler_project.common.cookies.with_sound_cookies",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "scheduler_project.common.trail.by_request",
    "scheduler_project.common.security_log.with_refusals_logged",
    "scheduler_project.common.languages.in_language",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "accounts.authentication.SessionMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "scheduler_project.common.pages.for_pages",
    "scheduler_project.common.pages.with_refusals",
    "scheduler_project.common.long_work.with_threads_to_spare",
]

ROOT_URLCONF = "scheduler_project.urls"
WSGI_APPLICATION = "scheduler_project.wsgi.application"
APPEND_SLASH = True

WEB_WORKERS = env.int("WEB_WORKERS", default=2)
"""Number of web processes."""
WEB_THREADS = env.int("WEB_THREADS", default=4)
"""Number of threads per web process. A thread lives as long as its process."""
WEB_CONNECTIONS = env.int("WEB_CONNECTIONS", default=4_000)
"""Maximum number of connections per web process. Beyond it, the client with most connections loses some."""
WEB_WAITING = env.int("WEB_WAITING", default=200)
"""Maximum number of requests per web process that wait for a thread; further ones get 503."""
WEB_KEEP_ALIVE_SECONDS = env.int("WEB_KEEP_ALIVE_SECONDS", default=75)
"""Maximum seconds between requests on a connection: longer than a proxy in front keeps its own."""
WEB_LONG_WORK = env.int("WEB_LONG_WORK", default=max(1, WEB_THREADS // 2))
"""Maximum number of threads per process for slow requests: the admin, reports, searches."""
WORKER_PROCESSES = env.int("WORKER_PROCESSES", default=2)
"""Number of parallel tasks of a worker, and of parallel rounds of a sender, each in its own process."""

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
                "scheduler_project.common.pages.site",
            ],
            "builtins": ["scheduler_project.common.templatetags.names"],
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
LANGUAGES = [("en", "English"), ("de", "Deutsch"), ("fr", "Français")]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
FORMAT_MODULE_PATH = "scheduler_project.formats"
USE_TZ = True
TIME_ZONE = "UTC"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- PostgreSQL and Redis -------------------------------------------------------------------------------------------

DATABASE_WAIT_SECONDS = env.float("DATABASE_WAIT_SECONDS", default=5)
"""Maximum seconds a request waits for a database connection while its process uses all of them."""
DATABASE_CONNECT_SECONDS = env.int("DATABASE_CONNECT_SECONDS", default=5)
"""Maximum seconds to connect to PostgreSQL, also if the server has vanished."""
WEB_STATEMENT_SECONDS = env.float("WEB_STATEMENT_SECONDS", default=10)
"""Maximum seconds for one statement of a page or of the API. Here and below: 0 means no limit."""
WEB_LOCK_SECONDS = env.float("WEB_LOCK_SECONDS", default=5)
"""Maximum seconds a page or the API waits for a lock."""
JOB_STATEMENT_SECONDS = env.float("JOB_STATEMENT_SECONDS", default=300)
JOB_LOCK_SECONDS = env.float("JOB_LOCK_SECONDS", default=60)
DATABASE_IDLE_TRANSACTION_SECONDS = env.float("DATABASE_IDLE_TRANSACTION_SECONDS", default=60)
"""Maximum seconds a transaction may be idle before the database rolls it back."""

DATABASE = env.db_url("DATABASE_URL")
DATABASES = {
    "default": {
        **DATABASE,
        "ENGINE": "scheduler_project.common.postgresql",
        "CONN_MAX_AGE": env.int("DATABASE_CONN_MAX_AGE", default=600),
        "CONN_HEALTH_CHECKS": True,
        # A cursor on the server outlives its transaction, which no pooler in transaction mode allows.
        "DISABLE_SERVER_SIDE_CURSORS": not env.bool("DATABASE_PREPARE", default=True),
        "OPTIONS": {
            "connect_timeout": DATABASE_CONNECT_SECONDS,
            # A server that vanished without a word is noticed within half a minute, not in the two hours of the system.
            "keepalives_idle": 15,
            "keepalives_interval": 5,
            "keepalives_count": 3,
            "tcp_user_timeout": 30_000,
            **DATABASE.get("OPTIONS", {}),
            # Prepared statements save PostgreSQL the planning. A pooler in transaction mode cannot keep them.
            **(
                {"server_side_binding": True, "prepare_threshold": 2}
                if env.bool("DATABASE_PREPARE", default=True)
                else {"prepare_threshold": None}
            ),
        },
    }
}

REDIS_URL = env.str("REDIS_URL")
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
    "accounts.hashers.Argon2PasswordHasher",
    "accounts.hashers.PBKDF2PasswordHasher",
]
PASSWORD_HASHES_AT_ONCE = env.int("PASSWORD_HASHES_AT_ONCE", default=2)
"""Maximum number of passwords one process hashes or checks in parallel; each takes 19 MiB and a core."""
PASSWORD_HASH_WAIT_SECONDS = env.float("PASSWORD_HASH_WAIT_SECONDS", default=3.0)
"""Maximum seconds a request waits for hashing before it gets 503."""
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
ACCOUNT_ADAPTER = "accounts.adapter.AccountAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_FORMS = {
    "add_email": "accounts.forms.ChangeEmailForm",
    "change_password": "accounts.forms.ChangePasswordForm",
    "login": "accounts.forms.LoginForm",
    "reauthenticate": "accounts.forms.ReauthenticateForm",
    "reset_password": "accounts.forms.ResetForm",
    "reset_password_from_key": "accounts.forms.NewPasswordForm",
    "signup": "accounts.forms.SignupForm",
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
"""Maximum minutes of inactivity of a staff member's browser session."""
STAFF_SESSION_HOURS = env.int("STAFF_SESSION_HOURS", default=12)
"""Maximum hours of a staff member's browser session."""
SESSION_DAYS = env.int("SESSION_DAYS", default=14)
"""Days of inactivity after which other users' browser sessions end."""
SESSION_COOKIE_AGE = SESSION_DAYS * 24 * 60 * 60
SIGN_IN_MAX_DAYS = env.int("SIGN_IN_MAX_DAYS", default=90)
"""Maximum days of any sign-in, by browser or program, however often it is used."""
MFA_TOTP_ISSUER = SITE_NAME
MFA_FORMS = {"authenticate": "accounts.forms.CodeForm", "reauthenticate": "accounts.forms.CodeAgainForm"}
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
PASSWORD_RESET_TIMEOUT = 60 * 60 * 24
PHONENUMBER_DEFAULT_FORMAT = "E164"
PHONENUMBER_DB_FORMAT = "E164"

PROVIDERS_NEED_VERIFIED_EMAIL = env.bool("PROVIDERS_NEED_VERIFIED_EMAIL", default=True)
PROVIDERS_NEED_APPROVAL = env.bool("PROVIDERS_NEED_APPROVAL", default=True)
"""Hide newly registered providers, and send nothing for them, until they have verified their email and staff have
approved them."""

# --- Booking --------------------------------------------------------------------------------------------------------

MAX_LIVE_HOLDS = env.int("MAX_LIVE_HOLDS", default=5)
"""Maximum number of unconfirmed holds per client."""
UNDECIDED_HOLD_MINUTES = env.int("UNDECIDED_HOLD_MINUTES", default=10)
"""Minutes a visitor's hold lasts before they enter their details; then it lasts as long as the schedule says."""
MAX_OPEN_APPOINTMENTS = env.int("MAX_OPEN_APPOINTMENTS", default=10)
"""Maximum number of upcoming appointments a client may book with one provider."""
MAX_OPEN_APPOINTMENTS_UNVERIFIED = env.int("MAX_OPEN_APPOINTMENTS_UNVERIFIED", default=3)
"""Maximum number with all providers together, while the login's email is unverified."""

# --- Keeping --------------------------------------------------------------------------------------------------------

RETAIN_HOLDS_DAYS = env.int("RETAIN_HOLDS_DAYS", default=90)
"""Days for which unsuccessful holds are kept, with guests who never booked. Here and below: 0 keeps for ever."""
RETAIN_MESSAGES_DAYS = env.int("RETAIN_MESSAGES_DAYS", default=400)
"""Days for which messages and their attempts are kept after they were due."""
RETAIN_SLOTS_DAYS = env.int("RETAIN_SLOTS_DAYS", default=1)
"""Days for which unused slots are kept."""
RETAIN_TRAIL_DAYS = env.int("RETAIN_TRAIL_DAYS", default=0)

# --- Import ---------------------------------------------------------------------------------------------------------

IMPORT_MAX_BYTES = env.int("IMPORT_MAX_BYTES", default=10_000_000)
IMPORT_MAX_ROWS = env.int("IMPORT_MAX_ROWS", default=20_000)
"""Maximum size of a file to import."""

# --- Reminding ------------------------------------------------------------------------------------------------------

REMINDER_OFFSETS = env.list("REMINDER_OFFSETS", default=["1 day", "1 hour"])
"""Offsets of reminders before the start, unless the appointment, the service or the calendar has its own."""
REMINDER_CHANNELS = env.list("REMINDER_CHANNELS", default=["email"])
"""Default channels of clients: of `email`, `sms`, `webhook`."""

SEND_TRIES = env.int("SEND_TRIES", default=3)
"""Maximum attempts for a message that cannot be composed. One deferred by the other side is retried while it is
useful."""
SEND_BACKOFF_SECONDS = env.int("SEND_BACKOFF_SECONDS", default=60)
SEND_BACKOFF_MAX_SECONDS = env.int("SEND_BACKOFF_MAX_SECONDS", default=1800)
"""Seconds until the second attempt, doubled each time up to the second value."""
SEND_PROBE_SECONDS = env.int("SEND_PROBE_SECONDS", default=15)
SEND_PROBE_MAX_SECONDS = env.int("SEND_PROBE_MAX_SECONDS", default=300)
"""Seconds until one message is tried on a route where nobody answered, doubled each time up to the second value."""
SEND_TIMEOUT_SECONDS = env.int("SEND_TIMEOUT_SECONDS", default=10)
"""Maximum seconds for a response of a mail server, gateway or webhook."""
SEND_LEASE_SECONDS = env.int("SEND_LEASE_SECONDS", default=60)
"""Seconds of a dispatcher's lease on claimed messages; if it dies, another takes over after that."""
SEND_THREADS = {"email": 4, "sms": 2, "webhook": 8}
"""Number of parallel connections of one dispatcher per channel."""

SEND_RESERVE_PERCENT = env.int("SEND_RESERVE_PERCENT", default=20)
"""Share of each limit in percent reserved for messages people requested, such as a link to set a new password; the
same share again is reserved for reminders and not available to notices."""


def limits(text: str) -> dict[str, tuple[int, int]]:
    """Parse limits such as `"site=5000/50000"` into {"site": (5000, 50000)}: per hour and per day."""
    try:
        parts = [part.partition("=") for part in text.replace(" ", "").split(",") if part]
        return {name: (int(rate.partition("/")[0]), int(rate.partition("/")[2])) for name, _, rate in parts}
    except ValueError:
        raise ImproperlyConfigured(f"{text} is not written like site=5000/50000,sender=1000/5000") from None


SEND_LIMITS_DEFAULT = {
    "email": "site=5000/50000,sender=1000/5000,recipient=60/300,new_recipient=5/20",
    "sms": "site=1000/5000,sender=200/1000,recipient=10/30",
    "webhook": "site=50000/500000,sender=5000/50000,recipient=5000/50000",
}
SEND_LIMITS = {
    channel: limits(usual) | limits(env.str(f"SEND_LIMITS_{channel.upper()}", default=""))
    for channel, usual in SEND_LIMITS_DEFAULT.items()
}
"""Maximum number of messages per hour and day: for the site, per sender, per address (for webhooks: per host);
`new_recipient` for providers' own addresses before staff have approved them and for test mails. Messages beyond a
limit wait."""
for channel, known in SEND_LIMITS_DEFAULT.items():
    if unknown := SEND_LIMITS[channel].keys() - limits(known).keys():
        raise ImproperlyConfigured(f"SEND_LIMITS_{channel.upper()} knows no {', '.join(sorted(unknown))}")

SMS_GATEWAY = env.str("SMS_GATEWAY", default="none")
"""Without a gateway, SMS are not offered, and pending ones wait. `console` prints them, codes included."""
if SMS_GATEWAY not in ("none", "console", "file", "twilio"):
    raise ImproperlyConfigured("SMS_GATEWAY is one of none, console, file and twilio")
SMS_FILE = env.str("SMS_FILE", default=str(BASE_DIR / "var" / "sms.txt"))
"""File to which the `file` gateway writes messages."""
UNLESS_TWILIO = {} if SMS_GATEWAY == "twilio" else {"default": ""}
TWILIO_ACCOUNT_SID = env.str("TWILIO_ACCOUNT_SID", **UNLESS_TWILIO)
TWILIO_AUTH_TOKEN = env.str("TWILIO_AUTH_TOKEN", **UNLESS_TWILIO)
"""Also verifies the signatures of Twilio's callbacks."""
TWILIO_FROM = env.str("TWILIO_FROM", **UNLESS_TWILIO)
"""A number in E.164, a sender's name, or a messaging service (`MG…`)."""
SMS_COUNTRIES = env.list("SMS_COUNTRIES", default=[])
"""Countries whose numbers get SMS, as ISO 3166 codes (`DE`, `AT`); empty: all."""
TWILIO_API_URL = env.str("TWILIO_API_URL", default="https://api.twilio.com")

WEBHOOK_ALLOW_HTTP = env.bool("WEBHOOK_ALLOW_HTTP", default=not env.bool("SECURE", default=True))
"""Allow webhooks with plain http URLs."""
WEBHOOK_ALLOW_PRIVATE = env.bool("WEBHOOK_ALLOW_PRIVATE", default=False)
"""Allow webhooks into this machine's own networks. Providers could then reach internal services."""
WEBHOOK_PORTS = [int(port) for port in env.list("WEBHOOK_PORTS", default=["80", "443"])]
"""Allowed ports of webhooks. None: any, and providers could reach mail servers and databases."""
WEBHOOK_DISABLE_AFTER_DAYS = env.int("WEBHOOK_DISABLE_AFTER_DAYS", default=5)
"""Days of continuous failures after which a webhook is disabled."""

# --- The API --------------------------------------------------------------------------------------------------------

THROTTLE = env.bool("THROTTLE", default=True)
MAX_LIVE_HOLDS_PER_NETWORK = env.int("MAX_LIVE_HOLDS_PER_NETWORK", default=10 if THROTTLE else 0)
"""Maximum number of unconfirmed holds from one network, such as an office; 0: no limit."""
OURS = dict.fromkeys(["login", "login_failed", "reauthenticate", "change_password", "signup"])
ACCOUNT_RATE_LIMITS: dict[str, None] | bool = OURS if THROTTLE else False
"""Rate limits of django-allauth's pages: its own, or none. The ones we count share the API's counts, and lock nobody
out."""
DATA_UPLOAD_MAX_MEMORY_SIZE = 1_000_000

TRUSTED_PROXIES = env.int("TRUSTED_PROXIES", default=0)
ALLAUTH_TRUSTED_PROXY_COUNT = TRUSTED_PROXIES

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "accounts.authentication.JWTAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_PARSER_CLASSES": ["scheduler_project.common.api.JSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["scheduler_project.common.api.JSONRenderer"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "scheduler_project.common.api.Negotiation",
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_PAGINATION_CLASS": "scheduler_project.common.api.Pagination",
    "DEFAULT_THROTTLE_CLASSES": ["scheduler_project.common.throttling.Throttle"],
    "DEFAULT_THROTTLE_RATES": {
        "read": env.str("THROTTLE_READ", default="600/min"),
        "search": env.str("THROTTLE_SEARCH", default="60/min"),
        "write": env.str("THROTTLE_WRITE", default="120/min"),
        "login": env.str("THROTTLE_LOGIN", default="10/min"),
        "hold": env.str("THROTTLE_HOLD", default="60/hour"),
        "change": env.str("THROTTLE_CHANGE", default="40/hour"),
        "change_network": env.str("THROTTLE_CHANGE_NETWORK", default="120/hour"),
        "register": env.str("THROTTLE_REGISTER", default="30/hour"),
        "mail": env.str("THROTTLE_MAIL", default="3/hour"),
        "mail_login": env.str("THROTTLE_MAIL_LOGIN", default="6/hour"),
        "mail_network": env.str("THROTTLE_MAIL_NETWORK", default="30/hour"),
        "hours": env.str("THROTTLE_HOURS", default="20/min"),
        "hours_large": env.str("THROTTLE_HOURS_LARGE", default="4/min"),
        "code": env.str("THROTTLE_CODE", default="3/hour"),
        "code_day": env.str("THROTTLE_CODE_DAY", default="6/day"),
        "code_network": env.str("THROTTLE_CODE_NETWORK", default="10/hour"),
        "code_site": env.str("THROTTLE_CODE_SITE", default="500/day"),
    },
    "NUM_PROXIES": TRUSTED_PROXIES,
    "DEFAULT_SCHEMA_CLASS": "scheduler_project.common.api_schema.AutoSchema",
    "EXCEPTION_HANDLER": "drf_standardized_errors.handler.exception_handler",
    "DATETIME_FORMAT": "iso-8601",
    "UNICODE_JSON": True,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}

DRF_STANDARDIZED_ERRORS = {
    "EXCEPTION_HANDLER_CLASS": "scheduler_project.common.api_errors.ExceptionHandler",
    "EXCEPTION_FORMATTER_CLASS": "scheduler_project.common.api_errors.ExceptionFormatter",
    "ALLOWED_ERROR_STATUS_CODES": ["400", "401", "403", "404", "429"],
    "ERROR_SCHEMAS": dict.fromkeys(
        ["400", "401", "403", "404", "429"], "scheduler_project.common.api_schema.RefusalSerializer"
    ),
}

SIMPLE_JWT = {
    "ACCESS_TOKEN_LIFETIME": timedelta(minutes=env.int("ACCESS_TOKEN_MINUTES", default=60)),
    "REFRESH_TOKEN_LIFETIME": timedelta(days=env.int("REFRESH_TOKEN_DAYS", default=14)),
    "CHECK_REVOKE_TOKEN": True,
    "ISSUER": SITE_URL,
    "AUDIENCE": f"{SITE_URL}/api",
    "USER_ID_CLAIM": "sub",
}
REFRESH_GRACE_SECONDS = env.int("REFRESH_GRACE_SECONDS", default=10)
"""Seconds for which an exchanged refresh token returns its replacement again, for a client whose response was lost."""

SPECTACULAR_SETTINGS = {
    "TITLE": "Scheduler API",
    "DESCRIPTION": "Publish availability, list free slots, hold one, confirm it. Times are RFC 3339 with an offset.",
    "VERSION": "1.0.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "SCHEMA_PATH_PREFIX": r"/api",
    "POSTPROCESSING_HOOKS": [
        "drf_standardized_errors.openapi_hooks.postprocess_schema_enums",
        "scheduler_project.common.api_schema.close_requests",
    ],
    "ENUM_NAME_OVERRIDES": {
        "ReservationStatusEnum": "booking.enums.ReservationStatus",
        "AppointmentStatusEnum": "booking.enums.AppointmentStatus",
        "OverrideEnum": "booking.enums.Override",
        "MessageStatusEnum": "reminders.enums.MessageStatus",
        "AddressChannelEnum": "reminders.enums.OF_PEOPLE",
        "RecipientEnum": "reminders.enums.Recipient",
        "ChannelEnum": "reminders.enums.Channel",
        "WordsKindEnum": "reminders.models.templates.KINDS",
    },
}

# --- Background work ------------------------------------------------------------------------------------------------

CELERY_BROKER_URL = f"redis+socket://{urlsplit(REDIS_URL).path}" if REDIS_URL.startswith("unix:") else REDIS_URL
# Whoever rings waits for no broker that hangs. Longer than the second for which a worker listens at a time.
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

if env.str("EMAIL_URL", default=""):
    MAIL_SERVER = env.email_url("EMAIL_URL")
    if MAIL_SERVER["EMAIL_BACKEND"] == "django.core.mail.backends.smtp.EmailBackend":
        MAIL_SERVER["EMAIL_BACKEND"] = "scheduler_project.common.mail_backend.Backend"  # with a deadline for every step
    vars().update(MAIL_SERVER)
else:
    EMAIL_BACKEND = "scheduler_project.common.smtp.NoMailServer"
"""Without a mail server, mails wait. `consolemail://` prints them, including their links."""
MAILBOX = env.bool("MAILBOX", default=False)
"""Show everybody the mails of `filemail:` at `/mail/`. Only for one's own machine."""
ADMINS = [("", address) for address in env.list("ADMINS", default=[])]
"""Recipients of mails about broken invariants."""
ADMIN_MAILS_PER_DAY = env.int("ADMIN_MAILS_PER_DAY", default=10)
"""Maximum number of different mails to each of ADMINS per day."""
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="Scheduler <scheduler@localhost>")

# --- Safety ---------------------------------------------------------------------------------------------------------

SECURE = env.bool("SECURE", default=True)
"""Serve over HTTPS only. Off for plain http on one's own machine."""
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
VISITOR_COOKIE_NAME = f"{COOKIE_PREFIX}visitor"
MESSAGES_COOKIE_NAME = f"{COOKIE_PREFIX}messages"
MESSAGE_STORAGE = "scheduler_project.common.cookies.MessageStorage"
if env.bool("BEHIND_TLS_PROXY", default=False):
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
DEFAULT_EXCEPTION_REPORTER = "scheduler_project.common.redaction.Reporter"
DEFAULT_EXCEPTION_REPORTER_FILTER = "scheduler_project.common.redaction.ReporterFilter"
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"quiet": {"()": "scheduler_project.common.redaction.Quiet"}},
    "formatters": {
        "line": {
            "()": "scheduler_project.common.redaction.Formatter",
            "format": "%(asctime)s %(levelname)s %(name)s: %(message)s",
        }
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["quiet"]}},
    "loggers": {
        # Django's own handlers here mail ADMINS from within a request, with all that the request and the process know.
        "django": {"handlers": [], "level": "INFO"},
        "celery": {"level": "WARNING"},  # else a line for each ring of a doorbell
        "django.request": {"level": "ERROR"},
        # Whatever LOG_LEVEL says: log-ins are no errors, and are wanted all the same.
        "security": {"level": "INFO"},
    },
    "root": {"handlers": ["console"], "level": LOG_LEVEL},
}
