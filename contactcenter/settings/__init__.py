"""Settings: everything that differs between installations comes from the environment, or from secrets.env in DATA_DIR.

Without DATABASE_URL and REDIS_URL the product runs embedded: SQLite in DATA_DIR, memory broker, one process.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import environ
from csp.constants import NONCE, NONE, SELF
from django.utils.translation import gettext_lazy as _

from contactcenter import logs
from contactcenter.lib import data_folder

BASE_DIR = Path(__file__).resolve().parents[2]
env = environ.Env()

# --------------------------------------------------------------------------------------------------
# Where things are, and secrets
# --------------------------------------------------------------------------------------------------

DATA_DIR = Path(env.str("DATA_DIR", default=str(BASE_DIR / "data" / "site")))
DATA_DIR.mkdir(parents=True, exist_ok=True)
DEBUG = env.bool("DEBUG", default=False)

#: ``serve`` refuses to start with these: they are published with the source.
DEMO_SECRET_KEY = "demo-only-not-a-secret"  # noqa: S105
DEMO_SEALING_KEYS = ["ZGVtby1vbmx5LW5vdC1hLXNlY3JldC1zZWFsaW5nLWs="]
_stored = data_folder.read_secrets(DATA_DIR)
SECRET_KEY = env.str("SECRET_KEY", default=_stored.get("SECRET_KEY", DEMO_SECRET_KEY))
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])
SEALING_KEYS = env.list(
    "SEALING_KEYS", default=_stored["SEALING_KEYS"].split(",") if "SEALING_KEYS" in _stored else DEMO_SEALING_KEYS
)

#: Where people reach us, for example https://contact.example.org. Decides hosts, cookies and links.
PUBLIC_URL = env.str("PUBLIC_URL", default="").rstrip("/")
_public = urlsplit(PUBLIC_URL)
IS_HTTPS = _public.scheme == "https"
ALLOWED_HOSTS = env.list(
    "ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]", *([_public.hostname] if _public.hostname else [])]
)
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[PUBLIC_URL] if PUBLIC_URL else [])
#: http://127.0.0.1:<port> while ``demo`` or ``serve`` runs: where this very process answers.
LOCAL_URL = ""
#: A proxy in front sets X-Forwarded-For and X-Forwarded-Proto itself. Believing them otherwise lets anybody forge them.
TRUSTED_PROXY = env.bool("TRUSTED_PROXY", default=False)

REDIS_URL = env.str("REDIS_URL", default="")
DATABASE_URL = env.str("DATABASE_URL", default="")
EMBEDDED = not REDIS_URL

# --------------------------------------------------------------------------------------------------
# What we are made of
# --------------------------------------------------------------------------------------------------

INSTALLED_APPS = [
    "unfold",
    "unfold.contrib.filters",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "channels",
    "rest_framework",
    "django_vite",
    "axes",
    "csp",
    "contactcenter",
    "conversations",
    "routing",
    "flows",
    "agents",
    "channels_adapters.simulator",
    # One line for each channel.
    "channels_adapters.webchat",
    "channels_adapters.messenger",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "contactcenter.middleware.StaticFiles",
    "contactcenter.middleware.ContentSecurityPolicy",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "contactcenter.middleware.UserLanguage",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",  # last: it turns a locked-out sign-in into its answer
]

ROOT_URLCONF = "contactcenter.urls"
ASGI_APPLICATION = "contactcenter.asgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

TEMPLATES = [
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
                "csp.context_processors.nonce",
            ]
        },
    }
]

# --------------------------------------------------------------------------------------------------
# Database, broker, sockets, cache
# --------------------------------------------------------------------------------------------------

if DATABASE_URL:
    _database: dict[str, Any] = env.db_url_config(DATABASE_URL) | {"ENGINE": "contactcenter.lib.postgresql"}
    # CONN_MAX_AGE does nothing under ASGI; a pool per process doubles inserts a second.
    _database.setdefault("OPTIONS", {})["pool"] = {
        "min_size": env.int("DB_POOL_MIN", default=2),
        "max_size": env.int("DB_POOL_MAX", default=20),
        "timeout": 10,
    }
    # Planning a statement costs PostgreSQL more than running it; prepared ones are planned once per connection.
    _database["OPTIONS"] |= {"server_side_binding": True, "prepare_threshold": 3}
    DATABASES = {"default": _database}
else:
    DATABASES = {
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": DATA_DIR / data_folder.DATABASE,
            "OPTIONS": {
                # WAL and IMMEDIATE: writers queue up instead of failing with "database is locked".
                "transaction_mode": "IMMEDIATE",
                "timeout": 20,
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;",
            },
        }
    }

CHANNEL_LAYERS: dict[str, dict[str, Any]] = {
    "default": {
        "BACKEND": "contactcenter.lib.redis_layer.RedisChannelLayer",
        "CONFIG": {
            "hosts": [REDIS_URL],
            "prefix": env.str("REDIS_PREFIX", default="cc"),
            "serializer_format": "fast_json",
        },
    }
    if REDIS_URL
    else {"BACKEND": "contactcenter.lib.memory_layer.MemoryChannelLayer"}
}

CACHES: dict[str, dict[str, Any]] = {
    "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}
    if REDIS_URL
    else {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
}

CELERY_BROKER_URL = REDIS_URL or "embedded://localhost"
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_STORE_EAGER_RESULT = False
CELERY_TASK_DEFAULT_QUEUE = "inbound"
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
# A job is a hint: publishing one never waits for a broker that is away (see celery.HintTask).
CELERY_TASK_PUBLISH_RETRY = False
CELERY_BROKER_TRANSPORT_OPTIONS = (
    {"socket_connect_timeout": 2, "socket_timeout": 10, "socket_keepalive": True} if REDIS_URL else {}
)
# Early acknowledgement: what a killed worker was doing is found by a sweep within two seconds; redelivering would
# run it an hour later. Prefetch 1 keeps long jobs from hoarding; in memory nothing is gained by holding back.
CELERY_TASK_ACKS_LATE = False
CELERY_WORKER_PREFETCH_MULTIPLIER = 1 if REDIS_URL else 0
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_SEND_TASK_EVENTS = False
CELERY_WORKER_ENABLE_REMOTE_CONTROL = False
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = False
CELERY_BEAT_SCHEDULER = "contactcenter.beat:LeasedScheduler"
CELERY_BEAT_MAX_LOOP_INTERVAL = 1

# --------------------------------------------------------------------------------------------------
# People: sign-in, sessions, languages
# --------------------------------------------------------------------------------------------------

AUTH_USER_MODEL = "agents.User"
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
LOGIN_URL = "/accounts/login/"
LOGIN_REDIRECT_URL = "/console/"
LOGOUT_REDIRECT_URL = LOGIN_URL
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
# Ten wrong passwords for one name from one address: that pair waits 15 minutes, nobody else does.
AXES_FAILURE_LIMIT = 10
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_COOLOFF_TIME = 0.25
AXES_RESET_ON_SUCCESS = True
AXES_VERBOSE = False
AXES_LOCKOUT_CALLABLE = "agents.views.locked_out"
AXES_IPWARE_PROXY_COUNT = 1 if TRUSTED_PROXY else None

SESSION_COOKIE_AGE = 7 * 24 * 3600
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = IS_HTTPS
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SECURE_HSTS_SECONDS = 3600 * 24 * 365 if IS_HTTPS else 0
if TRUSTED_PROXY:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
X_FRAME_OPTIONS = "DENY"

LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("ar", _("Arabic"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = "UTC"
USE_I18N = True
USE_TZ = True

# --------------------------------------------------------------------------------------------------
# HTTP: static files, policy, limits, API
# --------------------------------------------------------------------------------------------------

STATIC_URL = "/static/"
STATIC_ROOT = None  # nothing is collected: WhiteNoise serves from where files are
DIST_DIR = BASE_DIR / "static" / "dist"
DIST_DIR.mkdir(parents=True, exist_ok=True)
STATICFILES_DIRS = [DIST_DIR]
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = DEBUG
WHITENOISE_MAX_AGE = 300
VITE_DEV_PORT = env.int("VITE_DEV_PORT", default=0)
DJANGO_VITE = {
    "default": {
        "dev_mode": bool(VITE_DEV_PORT),
        "dev_server_host": "127.0.0.1",
        "dev_server_port": VITE_DEV_PORT or 5173,
        "manifest_path": DIST_DIR / "manifest.json",
    }
}
MEDIA_ROOT = DATA_DIR / "media"
FILE_UPLOAD_PERMISSIONS = 0o600
FILE_UPLOAD_DIRECTORY_PERMISSIONS = 0o700

#: Requests a web process serves at a time, so many of people and as many of providers; further ones wait.
HTTP_THREADS = env.int("HTTP_THREADS", default=64)
#: Largest file anybody may upload, and largest body of any other request.
MAX_UPLOAD_BYTES = 25 * 1024 * 1024
MAX_BODY_BYTES = 1024 * 1024
#: Path prefix -> largest body in bytes; the first that fits counts. The server refuses more before reading it.
BODY_LIMITS: list[tuple[str, int]] = [
    # A multipart body is a little larger than its file.
    ("/api/uploads/", MAX_UPLOAD_BYTES + 64 * 1024),
    ("/channels/", MAX_UPLOAD_BYTES + 64 * 1024),
    ("/admin/", MAX_UPLOAD_BYTES + 64 * 1024),
    # The largest any adapter takes; the webhook door asks each for its own.
    ("/hooks/", 5 * 1024 * 1024),
    # A workflow document of 1 MB, each character of it escaped by the form.
    ("/taskrouter/", 4 * 1024 * 1024),
    ("/", MAX_BODY_BYTES),
]
DATA_UPLOAD_MAX_MEMORY_SIZE = MAX_BODY_BYTES
FILE_UPLOAD_MAX_MEMORY_SIZE = MAX_BODY_BYTES
DATA_UPLOAD_MAX_NUMBER_FILES = 10

CONTENT_SECURITY_POLICY: dict[str, Any] = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF, NONCE],
        "style-src": [SELF, NONCE],
        "img-src": [SELF, "data:", "blob:"],
        "media-src": [SELF, "blob:"],
        "font-src": [SELF],
        "connect-src": [SELF],  # the middleware adds this host's websocket origin
        "worker-src": [SELF],
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework.authentication.SessionAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": [
        "rest_framework.parsers.JSONParser",
        "rest_framework.parsers.FormParser",
        "rest_framework.parsers.MultiPartParser",
    ],
    "DEFAULT_THROTTLE_CLASSES": [
        "rest_framework.throttling.UserRateThrottle",
        "rest_framework.throttling.AnonRateThrottle",
    ],
    "DEFAULT_THROTTLE_RATES": {"user": "1200/min", "anon": "60/min"},
    "NUM_PROXIES": 1 if TRUSTED_PROXY else 0,
    "EXCEPTION_HANDLER": "contactcenter.api.handle_exception",
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
}
#: Requests a minute one API key may make.
API_RATE = env.int("API_RATE", default=6_000)
METRICS_TOKEN = env.str("METRICS_TOKEN", default="")
#: ``manage.py bench`` measures against a bare view in the same server.
BENCH = env.bool("BENCH", default=False)
#: Simulated providers and their page: only ``demo`` turns them on; they reach our own doors at LOCAL_URL.
SIMULATORS = False
#: host:port pairs the egress client may reach although they are private (simulators).
EGRESS_ALLOW_PRIVATE = env.list("EGRESS_ALLOW_PRIVATE", default=[])

# --------------------------------------------------------------------------------------------------
# Logs
# --------------------------------------------------------------------------------------------------

LOGGING_CONFIG = None
logs.configure(level=env.str("LOG_LEVEL", default="INFO"), style=env.str("LOG_STYLE", default=""))

SILENCED_SYSTEM_CHECKS = ["django_vite.W001"] if "CI" not in os.environ else []

# --------------------------------------------------------------------------------------------------
# The admin
# --------------------------------------------------------------------------------------------------

from contactcenter.settings.unfold import UNFOLD  # noqa: E402, F401  (a settings module's way of being long)
