"""Every setting of the portal, in one place, from environment variables.

Each variable is read here and nowhere else. `docs/operator.md` lists them with default and effect.
"""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import Any

import environ
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

env = environ.Env()
BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = Path(env.str("PORTAL_VAR", default=str(BASE_DIR / "var")))

# What kind of run this is. `DEMO` shows the banner and allows test keys; it is never set in production.
DEMO: bool = env.bool("PORTAL_DEMO", default=False)
TESTING: bool = env.bool("PORTAL_TESTING", default=False)
DEBUG = False


def _secret(name: str) -> str:
    """A secret from the environment; the demo and the tests derive theirs, production must give it."""
    value = env.str(name, default="")
    if value:
        return value
    if DEMO or TESTING:
        return base64.b64encode(hashlib.sha256(f"demonstration only: {name}".encode()).digest()).decode()
    raise ImproperlyConfigured(f"{name} is not set. Give it as an environment variable.")


SECRET_KEY = _secret("SECRET_KEY")
# HMAC key of the look-up digests; separate from the encryption keys so that either can be rotated.
DIGEST_KEY = _secret("DIGEST_KEY")
# AES-256 keys (base64), newest first; the older ones only decrypt.
FIELD_KEYS: list[str] = env.list("FIELD_KEYS", default=[]) or [_secret("FIELD_KEY")]

# --- Hosts ---------------------------------------------------------------------------------------
# The applicant's and public desk; agencies stand at <code>.<BASE_HOST>, the authority at its own host.
BASE_HOST: str = env.str("BASE_HOST", default="localhost").lower()
APPLICANT_HOSTS: list[str] = [
    host.strip().lower() for host in env.list("APPLICANT_HOSTS", default=[BASE_HOST, "127.0.0.1"])
]
AUTHORITY_HOST: str = env.str("AUTHORITY_HOST", default=f"authority.{BASE_HOST}").lower()
ALLOWED_HOSTS = ["*"]  # portal.hosts answers 404 for every host it does not know
ROOT_URLCONF = "portal.urls_applicant"
URLCONF_OF_DESK = {
    "applicant": "portal.urls_applicant",
    "agency": "portal.urls_agency",
    "authority": "portal.urls_authority",
}
HTTPS: bool = env.bool("HTTPS", default=not (DEMO or TESTING))
SITE_SCHEME = "https" if HTTPS else "http"
# Reverse proxies whose forwarding headers are believed.
PROXY_COUNT: int = env.int("PROXY_COUNT", default=0)
SITE_PORT: str = env.str("SITE_PORT", default="")

# --- Applications --------------------------------------------------------------------------------
SHARED_APPS = [
    "django_tenants",
    "tenants",
    "notifications",
    "register",
    "intake",
    "portal",
    "guardian",
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.forms",
    "axes",
    "captcha",
    "import_export",
    "django_otp",
    "django_otp.plugins.otp_totp",
    "django_otp.plugins.otp_static",
    "bootstrap",
    "chartkick.django",
]
TENANT_APPS = ["review"]
INSTALLED_APPS = [*SHARED_APPS, *TENANT_APPS]
TENANT_MODEL = "tenants.Agency"
TENANT_DOMAIN_MODEL = "tenants.Domain"
AUTH_USER_MODEL = "tenants.User"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

MIDDLEWARE = [
    "portal.hosts.HostMiddleware",
    "portal.gate.GateMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "tenants.sessions.SessionDeskMiddleware",
    "tenants.devices.DeviceMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "intake.signin.PersonMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "intake.held.HeldMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "portal.refusals.RefusalMiddleware",
    "axes.middleware.AxesMiddleware",
]

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "tenants.context.house",
                "portal.context.calendar",
            ],
        },
    },
]
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"
WSGI_APPLICATION = "portal.wsgi.application"

# --- Database ------------------------------------------------------------------------------------
# The application logs in weak (it reads nothing without taking a desk's role); migrations and the
# opening of agencies log in as the owner, with the same alias.
AS_OWNER: bool = env.bool("PORTAL_AS_OWNER", default=TESTING)
_database_url = env.str("DATABASE_OWNER_URL" if AS_OWNER else "DATABASE_URL", default="")
# The login that may take the desks' roles: the user of DATABASE_URL, also in a process of the owner's.
APP_LOGIN: str = env.db_url("DATABASE_URL", default="postgres:///portal").get("USER") or "portal_app"
DATABASES: dict[str, Any] = {
    "default": {
        **(env.db_url_config(_database_url) if _database_url else {"NAME": "portal"}),
        "ENGINE": "tenants.walls",
        "DISABLE_SERVER_SIDE_CURSORS": False,
        "OPTIONS": {},
    }
}
_pool_size = env.int("DB_POOL_SIZE", default=0)
if _pool_size and not AS_OWNER:
    DATABASES["default"]["OPTIONS"]["pool"] = {"min_size": 1, "max_size": _pool_size, "timeout": 10}
else:
    DATABASES["default"]["CONN_MAX_AGE"] = env.int("DB_CONN_MAX_AGE", default=60)
DATABASE_ROUTERS = ["django_tenants.routers.TenantSyncRouter"]
TENANT_LIMIT_SET_CALLS = True

# --- Redis, Celery -------------------------------------------------------------------------------
# Broker and cache stand in separate databases of the same server unless told otherwise.
REDIS_URL: str = env.str("REDIS_URL", default="redis://127.0.0.1:6379").rstrip("/")
BROKER_URL: str = env.str("BROKER_URL", default=f"{REDIS_URL}/0" if "://" in REDIS_URL else REDIS_URL)
CACHE_URL: str = env.str("CACHE_URL", default=f"{REDIS_URL}/1")
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": CACHE_URL,
        "OPTIONS": {"socket_connect_timeout": 0.05, "socket_timeout": 0.2},
    },
}
CELERY_BROKER_URL = BROKER_URL
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_PUBLISH_RETRY = False
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "max_retries": 0,
    "visibility_timeout": 60,
    "socket_connect_timeout": 0.05,
    "socket_timeout": 5,
}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_DB_REUSE_MAX = 1000
CELERY_TIMEZONE = "Asia/Shanghai"
CELERY_TASK_DEFAULT_QUEUE = "default"
# What only the owner's worker does (PORTAL_AS_OWNER=1, queue `opening`), and the only things it does.
OWNERS_TASKS = frozenset({"review.tasks.agency_job", "review.tasks.check_schemas"})
CELERY_TASK_ROUTES = {name: {"queue": "opening"} for name in sorted(OWNERS_TASKS)}
# Drawing takes the better part of a second each: nobody's notice waits behind it.
CELERY_TASK_ROUTES["review.tasks.draw_letters"] = {"queue": "letters"}


def _every(seconds: float, task: str) -> dict[str, Any]:
    """An entry of beat. What no worker took up before the next is due is dropped, not heaped up.

    Never sooner than after a minute, so that clocks of two machines may differ a little.
    """
    return {"task": task, "schedule": seconds, "options": {"expires": max(seconds, 60.0)}}


CELERY_BEAT_SCHEDULE = {
    "ring-again": _every(env.float("SWEEP_SECONDS", default=3.0), "notifications.tasks.sweep"),
    "statutory-clock": _every(env.float("CLOCK_SECONDS", default=60.0), "review.tasks.fire_due"),
    "counted-anew": _every(3600.0, "review.tasks.recompute"),
    "escalation": _every(1800.0, "review.tasks.escalate"),
    "deemed-renewals": _every(1800.0, "review.tasks.tell_deemed"),
    "docket-counts": _every(60.0, "review.tasks.fold_counts"),
    "waiting-files": _every(60.0, "review.tasks.sweep_files"),
    "published-batches": _every(60.0, "review.tasks.sweep_batches"),
    "waiting-certificates": _every(60.0, "review.tasks.sweep_certificates"),
    "waiting-letters": _every(30.0, "review.tasks.draw_letters"),
    "agency-jobs": _every(15.0, "review.tasks.sweep_agency_jobs"),
    "schemas": _every(3600.0, "review.tasks.check_schemas"),
    "books-compared": _every(24 * 3600.0, "review.tasks.reconcile"),
    "reminders": _every(900.0, "register.tasks.remind"),
    "reminders-in-hand": _every(900.0, "intake.tasks.remind"),
    "roster-jobs": _every(15.0, "register.tasks.sweep_rosters"),
    "ended-sessions": _every(3600.0, "tenants.tasks.clear_sessions"),
    "idle-drafts": _every(6 * 3600.0, "intake.tasks.retire_drafts"),
    "loose-papers": _every(6 * 3600.0, "intake.tasks.clear_papers"),
    "loose-photos": _every(6 * 3600.0, "intake.tasks.clear_photos"),
}

# --- People signing in ---------------------------------------------------------------------------
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "intake.signin.ApplicantBackend",
    "tenants.signin.StaffBackend",
]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.PBKDF2PasswordHasher"
    if not TESTING
    else "django.contrib.auth.hashers.MD5PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "tenants.passwords.LengthAndClasses"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
]
ANONYMOUS_USER_NAME = None
# Roles are asked for by tenants.roles only: has_perm() shall open nothing.
SILENCED_SYSTEM_CHECKS = ["guardian.W001"]
GUARDIAN_MONKEY_PATCH_USER = False
GUARDIAN_MONKEY_PATCH_GROUP = False

LOGIN_URL = "signin"
LOGIN_REDIRECT_URL = "home"
# Staff renew their password after so many days (GB/T 22239); this page asks for it.
STAFF_PASSWORD_DAYS: int = env.int("STAFF_PASSWORD_DAYS", default=90)
PASSWORD_RENEWAL_URL = "password-renewal"  # noqa: S105
# What authenticator apps show beside the login name.
OTP_TOTP_ISSUER = "注册安全工程师注册管理系统"
# How long the link in a letter opens the page for a new password.
PASSWORD_RESET_TIMEOUT = 30 * 60

SESSION_ENGINE = "tenants.session_store"
SESSION_COOKIE_AGE = env.int("SESSION_IDLE_SECONDS", default=30 * 60)
SESSION_SAVE_EVERY_REQUEST = False
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = HTTPS
CSRF_COOKIE_SECURE = HTTPS
CSRF_COOKIE_HTTPONLY = True
CSRF_FAILURE_VIEW = "portal.views.csrf_failure"

AXES_FAILURE_LIMIT = env.int("SIGNIN_FAILURE_LIMIT", default=5)
AXES_COOLOFF_TIME = env.float("SIGNIN_COOLOFF_HOURS", default=0.25)
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_LOCKOUT_CALLABLE = "portal.views.locked_out"
AXES_RESET_ON_SUCCESS = True
AXES_ENABLE_ADMIN = False
AXES_VERBOSE = False
# What a failed sign-in leaves behind carries no document number, name, certificate or one-time code.
AXES_SENSITIVE_PARAMETERS = ["number", "name", "certificate_number", "code", "username", "ip_address"]
AXES_CLIENT_IP_CALLABLE = "portal.proxies.client_address"

CAPTCHA_CHALLENGE_FUNCT = "intake.captcha.digits"
CAPTCHA_LENGTH = 4
CAPTCHA_TIMEOUT = 5
# Drawn at twice the size it is shown, so that it stays sharp when the page is enlarged.
CAPTCHA_IMAGE_SIZE = (240, 88)
CAPTCHA_FONT_SIZE = 60
CAPTCHA_FOREGROUND_COLOR = "#1f2933"
CAPTCHA_BACKGROUND_COLOR = "#ffffff"
CAPTCHA_NOISE_FUNCTIONS = ("captcha.helpers.noise_dots",)
CAPTCHA_LETTER_ROTATION = (-12, 12)
CAPTCHA_2X_IMAGE = True

# --- Language and time ---------------------------------------------------------------------------
# Message ids are Chinese, the first language of every screen; English stands in portal/locale/en.
LANGUAGE_CODE = "zh-hans"
LANGUAGES = [("zh-hans", "简体中文"), ("en", "English")]
LOCALE_PATHS = [BASE_DIR / "portal" / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "Asia/Shanghai"
LANGUAGE_COOKIE_NAME = "language"
# A file with a number of seconds by which every process of a demonstration or test shifts its clock.
CLOCK_SHIFT_FILE: str = env.str("CLOCK_SHIFT_FILE", default="")

# --- Files ---------------------------------------------------------------------------------------
STATIC_URL = "/static/"
STATIC_ROOT = Path(env.str("STATIC_ROOT", default=str(VAR_DIR / "static")))
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        # Compressing is for the network: a demonstration on one machine starts half a minute sooner without.
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if TESTING
        else "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"
        if DEMO
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = TESTING
# Tests look a file up when it is asked for: gathering all of them anew for each client takes 50 ms.
WHITENOISE_AUTOREFRESH = TESTING
MEDIA_ROOT = VAR_DIR / "private"
# A whole request, several files included; a roster has up to 30 MB. More is turned away unread.
LARGEST_REQUEST: int = env.int("LARGEST_REQUEST_BYTES", default=32 * 1024 * 1024)
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FILES = 20
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2000
FILE_UPLOAD_MAX_MEMORY_SIZE = 3 * 1024 * 1024
IMPORT_EXPORT_ESCAPE_FORMULAE_ON_EXPORT = True

# --- Registration certificates -------------------------------------------------------------------
# Key, certificate and chain with which certificates are signed; demonstrations and tests make their own.
CERTIFICATE_SIGNER_P12: str = env.str(
    "CERTIFICATE_SIGNER_P12", default=str(VAR_DIR / "demo-signer.p12") if DEMO or TESTING else ""
)
CERTIFICATE_SIGNER_PASSPHRASE: str = env.str("CERTIFICATE_SIGNER_PASSPHRASE", default="")

# --- Security headers ----------------------------------------------------------------------------
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:", "blob:"],
        "font-src": [SELF],
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_SSL_REDIRECT = HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if PROXY_COUNT else None
SECURE_HSTS_SECONDS = 31536000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
SECURE_HSTS_PRELOAD = HTTPS
X_FRAME_OPTIONS = "DENY"
USE_X_FORWARDED_HOST = False

# Letters of a demonstration lie in a folder for whoever tries it; without a mail server none is written, for
# a log is no place for links that open accounts.
EMAIL_FILE_PATH: str = env.str("EMAIL_FILE_PATH", default=str(VAR_DIR / "mail"))
EMAIL_HOST: str = env.str("EMAIL_HOST", default="")
EMAIL_PORT: int = env.int("EMAIL_PORT", default=25)
EMAIL_HOST_USER: str = env.str("EMAIL_HOST_USER", default="")
EMAIL_HOST_PASSWORD: str = env.str("EMAIL_HOST_PASSWORD", default="")
EMAIL_USE_TLS: bool = env.bool("EMAIL_USE_TLS", default=False)
EMAIL_USE_SSL: bool = env.bool("EMAIL_USE_SSL", default=False)
EMAIL_BACKEND: str = env.str("EMAIL_BACKEND", default="") or (
    f"django.core.mail.backends.{'smtp' if EMAIL_HOST else 'filebased' if DEMO else 'dummy'}.EmailBackend"
)
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="noreply@localhost")
# At each step of the conversation with the mail server; a letter's lease (`notifications.sending`) is longer.
EMAIL_TIMEOUT: float = env.float("EMAIL_TIMEOUT", default=10.0)

# Short messages leave by a gateway that takes them as signed JSON, in a demonstration by a file; without a
# gateway or an adapter of one's own none is sent. The times are seconds.
SMS_GATEWAY_URL: str = env.str("SMS_GATEWAY_URL", default="")
SMS_GATEWAY_KEY: str = env.str("SMS_GATEWAY_KEY", default="")
SMS_GATEWAY_SECRET: str = env.str("SMS_GATEWAY_SECRET", default="")
SMS_GATEWAY_CONNECT_TIMEOUT: float = env.float("SMS_GATEWAY_CONNECT_TIMEOUT", default=3.0)
SMS_GATEWAY_TIMEOUT: float = env.float("SMS_GATEWAY_TIMEOUT", default=10.0)
SMS_FILE: str = env.str("SMS_FILE", default=str(VAR_DIR / "sms.jsonl"))
# Dotted path of the adapter (`notifications.sms.Sms`).
SMS_ADAPTER: str = env.str("SMS_ADAPTER", default="") or (
    "notifications.sms.GatewaySms" if SMS_GATEWAY_URL else "notifications.sms.FileSms" if DEMO else ""
)
if SMS_GATEWAY_URL and not (SMS_GATEWAY_KEY and SMS_GATEWAY_SECRET):
    raise ImproperlyConfigured("SMS_GATEWAY_URL needs SMS_GATEWAY_KEY and SMS_GATEWAY_SECRET.")

# What a Prometheus server shows to read the figures of the post room; without one, there is no such page.
METRICS_TOKEN: str = env.str("METRICS_TOKEN", default="")

LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", default="INFO")},
    "loggers": {
        "axes": {"level": "WARNING"},
        "weasyprint": {"level": "ERROR"},
        "fontTools": {"level": "ERROR"},
    },
}
