"""
All settings, read from the environment.

Development needs none of it. `APP_ENV=production` refuses to start without
SECRET_KEY, ALLOWED_HOSTS, PUBLIC_URL, DATABASE_URL and REDIS_URL.
"""

import os
import secrets
from pathlib import Path
from urllib.parse import urlsplit

import dj_database_url
from csp.constants import NONCE, NONE, SELF, UNSAFE_EVAL, UNSAFE_INLINE
from django.core.exceptions import ImproperlyConfigured
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _

from . import logs

BASE_DIR = Path(__file__).resolve().parent.parent
PRODUCTION = os.environ.get("APP_ENV") == "production"


def required(name: str, *, otherwise: str) -> str:
    """Return the variable `name`; only development may leave it out."""
    value = os.environ.get(name, "")
    if not value and PRODUCTION:
        raise ImproperlyConfigured(f"Production needs the environment variable {name}.")
    return value or otherwise


def kept_secret(file: Path) -> str:
    """Return development's secret key, made once and kept in the data folder."""
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch(mode=0o600)
        file.write_text(secrets.token_urlsafe(50))
    return file.read_text()


DATA_DIR = Path(os.environ.get("DATA_DIR") or BASE_DIR / "var").resolve()
MEDIA_ROOT = DATA_DIR / "media"
REPORTS_DIR = DATA_DIR / "files"
# Best on a medium that only grows, out of reach of those who rule the database.
AUDIT_HEADS_FILE = Path(os.environ.get("AUDIT_HEADS_FILE") or DATA_DIR / "audit-heads.log")
REPORTS_KEPT_DAYS = int(os.environ.get("REPORTS_KEPT_DAYS", "30"))
# On which day the form of the month before comes by itself, from eight in the morning.
MONTHLY_REPORT_DAY = int(os.environ.get("MONTHLY_REPORT_DAY", "3"))
if not 1 <= MONTHLY_REPORT_DAY <= 28:
    raise ImproperlyConfigured("MONTHLY_REPORT_DAY is a day that every month has, 1 to 28.")

# How long a badge is announced before it holds, and for how long it holds then.
BADGE_NOTICE_DAYS = int(os.environ.get("BADGE_NOTICE_DAYS", "7"))
BADGE_VALID_DAYS = int(os.environ.get("BADGE_VALID_DAYS", "730"))

# How long a listing may stand before its supplier has to say that it is still right.
LISTING_CONFIRMED_DAYS = int(os.environ.get("LISTING_CONFIRMED_DAYS", "90"))

SECRET_KEY = required("SECRET_KEY", otherwise="") or kept_secret(DATA_DIR / "secret_key")
DEBUG = not PRODUCTION and os.environ.get("DEBUG") == "1"
PORT = os.environ.get("PORT", "8000")
PUBLIC_URL = required("PUBLIC_URL", otherwise=f"http://127.0.0.1:{PORT}").rstrip("/")
ALLOWED_HOSTS = required("ALLOWED_HOSTS", otherwise="127.0.0.1,localhost,[::1]").split(",")
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]

INSTALLED_APPS = [
    "unfold",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "config.apps.LockConfig",
    "csp",
    "django_structlog",
    "accounts",
    "suppliers",
    "shop",
    "orders",
    "reports",
]

MIDDLEWARE = [
    "accounts.api.middleware.RequestIdMiddleware",
    "config.middleware.ObserveMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "config.middleware.PolicyMiddleware",
    "config.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "config.middleware.AuthenticationMiddleware",
    "config.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
AUTH_USER_MODEL = "accounts.User"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
# Ten wrong passwords lock the account for a while, from whichever address they come.
AXES_FAILURE_LIMIT = 10
AXES_LOCKOUT_PARAMETERS = ["username"]
AXES_COOLOFF_TIME = 0.25
AXES_RESET_ON_SUCCESS = True
# Its own pages let whoever may see these records delete them; `accounts/admin.py` has others.
AXES_ENABLE_ADMIN = False
# It wants the address in the lock as well, which would give every address ten guesses.
SILENCED_SYSTEM_CHECKS = ["axes.W006"]
# For how long a new person may choose a password: a week.
PASSWORD_RESET_TIMEOUT = 7 * 86_400
LOGIN_URL = reverse_lazy("admin:login")
LOGIN_REDIRECT_URL = reverse_lazy("admin:index")

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# Web requests are short; commands and tasks set STATEMENT_TIMEOUT=0.
STATEMENT_TIMEOUT = os.environ.get("STATEMENT_TIMEOUT", "10s")
DATABASES = {
    "default": dj_database_url.parse(
        required("DATABASE_URL", otherwise="postgresql:///haowu"),
        engine="config.postgresql",
        conn_max_age=None,
        conn_health_checks=True,
    )
}
DATABASES["default"].setdefault("OPTIONS", {}).update(
    options=f"-c lock_timeout=3s -c statement_timeout={STATEMENT_TIMEOUT} "
    "-c idle_in_transaction_session_timeout=60s",
    # Only of the cursors that can: connection.preparing_cursor().
    prepare_threshold=5,
)

# The broker has a database of its own; the cache takes the next one, or another Redis.
REDIS_URL = required("REDIS_URL", otherwise="unix:///nonexistent")
REDIS_DB = int(os.environ.get("REDIS_DB", "0"))


def redis_url(database: int) -> str:
    """Return the URL of one numbered database of the Redis at REDIS_URL."""
    if REDIS_URL.startswith("unix://"):
        return f"{REDIS_URL.partition('?')[0]}?db={database}"
    return urlsplit(REDIS_URL)._replace(path=f"/{database}").geturl()


BROKER_URL = redis_url(REDIS_DB)
# kombu calls a socket redis+socket:// and a database virtual_host.
CELERY_BROKER_URL = BROKER_URL.replace("unix://", "redis+socket://").replace("?db", "?virtual_host")
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": os.environ.get("CACHE_URL") or redis_url(REDIS_DB + 1),
    }
}

LANGUAGE_CODE = "zh-hans"
LANGUAGES = [
    ("zh-hans", _("Simplified Chinese")),
    ("zh-hant", _("Traditional Chinese")),
    ("en", _("English")),
]
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = "Asia/Shanghai"
USE_TZ = True

STATIC_URL = "static/"
STATIC_ROOT = Path(os.environ.get("STATIC_ROOT") or DATA_DIR / "static")
if not PRODUCTION:
    # Development serves static files from where they lie, but WhiteNoise asks for the folder.
    STATIC_ROOT.mkdir(parents=True, exist_ok=True)
MEDIA_URL = "media/"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if PRODUCTION
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = not PRODUCTION
# The API's own parser caps JSON; this one caps forms, and files go to disk past it.
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 20_000

SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = PRODUCTION
SECURE_SSL_REDIRECT = PRODUCTION and os.environ.get("SSL_REDIRECT", "1") == "1"
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if PRODUCTION else None
# The probes of an orchestrator speak plain HTTP.
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^metrics$"]
SECURE_HSTS_SECONDS = 31_536_000 if PRODUCTION else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = PRODUCTION
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF, NONCE],
        "style-src": [SELF, NONCE],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}
# The admin theme evaluates Alpine expressions, the API page styles itself inline.
LOOSER_CSP = {
    "script-src": [SELF, UNSAFE_EVAL, UNSAFE_INLINE],
    "style-src": [SELF, UNSAFE_INLINE],
}

UNFOLD = {
    "SITE_TITLE": "黔南好物",
    "SITE_HEADER": "黔南好物",
    "SITE_SUBHEADER": _("Supply, counting and audit"),
    "SITE_URL": "/dashboard/",
    "DASHBOARD_CALLBACK": "config.home.home",
    "SIDEBAR": {"navigation": "config.sidebar.navigation", "show_search": True},
    "SITE_ICON": "/static/accounts/icon.svg",
    "SITE_FAVICONS": [{"rel": "icon", "href": "/static/accounts/icon.svg"}],
    "SHOW_LANGUAGES": True,
    "BORDER_RADIUS": "6px",
    "COLORS": {
        "primary": {
            "50": "#eef7f2", "100": "#d6ecdf", "200": "#aedac1", "300": "#7cc19c",
            "400": "#4aa577", "500": "#2a8a5b", "600": "#1f7a4d", "700": "#1a6340",
            "800": "#164f34", "900": "#12412b", "950": "#0a2619",
        }
    },
}  # fmt: skip

# Development prints what it would send; production without a host sends nothing.
EMAIL_HOST = os.environ.get("EMAIL_HOST", "")
SENDS_MAIL = bool(EMAIL_HOST) or not PRODUCTION
EMAIL_BACKEND = f"django.core.mail.backends.{'smtp' if EMAIL_HOST else 'console'}.EmailBackend"
EMAIL_PORT = int(os.environ.get("EMAIL_PORT", "25"))
EMAIL_HOST_USER = os.environ.get("EMAIL_HOST_USER", "")
EMAIL_HOST_PASSWORD = os.environ.get("EMAIL_HOST_PASSWORD", "")
EMAIL_USE_TLS = os.environ.get("EMAIL_USE_TLS") == "1"
EMAIL_USE_SSL = os.environ.get("EMAIL_USE_SSL") == "1"
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = os.environ.get("EMAIL_FROM") or f"noreply@{urlsplit(PUBLIC_URL).hostname}"

REST_FRAMEWORK = {
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["accounts.api.parsers.StrictJSONParser"],
    "DEFAULT_AUTHENTICATION_CLASSES": ["accounts.api.authentication.KeyAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_THROTTLE_CLASSES": [
        "accounts.api.throttles.KeyThrottle",
        "accounts.api.throttles.AddressThrottle",
    ],
    "DEFAULT_PAGINATION_CLASS": "accounts.api.pagination.KeysetPagination",
    "PAGE_SIZE": 20,
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "accounts.api.problems.problem_response",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}
# Proxies in front whose X-Forwarded-For is believed.
NUM_PROXIES = int(os.environ.get("NUM_PROXIES", "0"))
THROTTLE_ENABLED = PRODUCTION or os.environ.get("THROTTLE") != "off"
THROTTLE_PER_MINUTE = {"key_write": 1_200, "key_read": 6_000, "address_read": 1_200}
APPLICATIONS_PER_HOUR = 20
OBJECTIONS_PER_HOUR = 10
SPECTACULAR_SETTINGS = {
    "TITLE": "黔南好物 Qiannan Haowu",
    "DESCRIPTION": "Wholesale orders of Qiannan's produce, and the consumption-assistance "
    "figures they add up to.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_NAME_OVERRIDES": {
        "SupplierKind": "suppliers.models.Supplier.Kind",
        "CertificateKind": "suppliers.models.Certificate.Kind",
        "BuyerKind": "orders.models.Buyer.Kind",
        "ContributionKind": "reports.models.ContributionKind",
        "ReportKind": "reports.models.Report.Kind",
        "OrderStatus": "orders.models.Order.Status",
        "ConsignmentStatus": "orders.models.Consignment.Status",
        "ClaimStatus": "orders.models.Claim.Status",
        "OrderEventKind": "orders.models.OrderEvent.Kind",
        "FapiaoKind": "orders.models.Fapiao.Kind",
        "MonthStatus": "reports.models.Month.Status",
        "ReportStatus": "reports.models.Report.Status",
        "DeclarationStatus": "reports.models.Declaration.Status",
        "ReportFormat": "reports.models.Report.Format",
        "DeclarationFormat": "reports.models.Declaration.Format",
        "ChannelEnum": "orders.models.Channel",
        "GradeEnum": "reports.models.Grade.names",
        "SectorEnum": "shop.models.Category.Sector",
    },
}

CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_TASK_ROUTES = {
    "reports.tasks.roll_up": {"queue": "rollup"},
    "reports.tasks.make_*": {"queue": "files"},
    "reports.tasks.read_*": {"queue": "files"},
}
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_TIME_LIMIT = 600
CELERY_TASK_SOFT_TIME_LIMIT = 540
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
# After TERM a running task may finish; then it goes back to the queue.
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 30.0 if PRODUCTION else 3.0
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TIMEZONE = "UTC"
# A dead worker's messages come back after the sweep of unacknowledged ones, not after
# the visibility timeout alone; the defaults would make it a hundred seconds.
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 1_800,
    "unacked_restore_interval": 5,
    "unacked_restore_throttle": 1,
    "socket_timeout": 10,
    "socket_connect_timeout": 5,
    # Without a broker the edge gives up at once: the row is the truth, the message a hint.
    "max_retries": 1,
}
CELERY_RESULT_BACKEND_TRANSPORT_OPTIONS = {"visibility_timeout": 1_800}
CELERY_VISIBILITY_TIMEOUT = 1_800
CELERY_TASK_PUBLISH_RETRY = False

METRICS_TOKEN = os.environ.get("METRICS_TOKEN", "")

LOG_LEVEL = os.environ.get("LOG_LEVEL", "INFO" if PRODUCTION else "WARNING")
LOGGING = logs.configure(as_json=PRODUCTION, level=LOG_LEVEL)
DJANGO_STRUCTLOG_CELERY_ENABLED = True
