"""Logs: structured, through structlog, carrying ids and never bodies or tokens. One line of JSON each, or for a
terminal the same in words (LOG_STYLE=json|console; by default whatever standard error is)."""

from __future__ import annotations

import logging.config
import sys
from typing import Any

import structlog

#: Too talkative, or talking of addresses with tokens in them (httpx logs whole URLs).
QUIET = (
    "httpx",
    "httpcore",
    "daphne",
    "twisted",
    "asyncio",
    "celery",
    "kombu",
    "amqp",
    "redis",
    "channels_redis",
    "axes",
)


def configure(*, level: str = "INFO", style: str = "") -> None:
    """Set up structlog and the standard library's logging alike; both end in one handler on standard error."""
    style = style or ("console" if sys.stderr.isatty() else "json")
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    last: list[Any]
    if style == "json":
        last = [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(ensure_ascii=False)]
    else:
        # Plain tracebacks: the pretty ones print local variables, and those hold what customers wrote.
        plain = structlog.dev.plain_traceback
        last = [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=plain)]
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {
                "ours": {
                    "()": structlog.stdlib.ProcessorFormatter,
                    "foreign_pre_chain": shared,
                    "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
                }
            },
            "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "ours"}},
            "root": {"handlers": ["stderr"], "level": level},
            "loggers": {name: {"level": "WARNING"} for name in QUIET},
        }
    )
