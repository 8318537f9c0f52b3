"""Log lines: JSON in production, readable in development, without personal data in either."""

import re
from typing import Any

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

# Mobile numbers of the mainland, API keys and whatever an Authorization header held.
PRIVATE = re.compile(r"(?<!\d)1[3-9]\d{9}(?!\d)|qn_[\w-]{16,}|(?<=Bearer )\S+")
NEVER_SHOWN = {"password", "phone", "key", "token", "authorization", "cookie"}


def mask(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """Replace what could name a person or open a door, in every text of a log line."""
    for name, value in event.items():
        if name in NEVER_SHOWN:
            event[name] = "…"
        elif isinstance(value, str):
            event[name] = PRIVATE.sub("…", value)
    return event


def configure(*, as_json: bool, level: str) -> dict[str, Any]:
    """Set structlog up and return Django's LOGGING, so that both write the same lines."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso"),
    ]
    ending: list[Processor] = [structlog.dev.ConsoleRenderer(colors=False)]
    if as_json:
        ending = [structlog.processors.JSONRenderer(ensure_ascii=False)]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "lines": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": shared,
                "processors": [
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    structlog.processors.format_exc_info,
                    mask,
                    *ending,
                ],
            },
        },
        "handlers": {"lines": {"class": "logging.StreamHandler", "formatter": "lines"}},
        "root": {"handlers": ["lines"], "level": level},
        # Django's own handlers would write each line twice, and in another form.
        "loggers": {
            "django": {"handlers": [], "level": level},
            # Every answer has its line already; what we refuse is no warning to anybody.
            "django.request": {"handlers": [], "level": "ERROR"},
            "django.server": {"handlers": [], "level": level, "propagate": True},
        },
    }
