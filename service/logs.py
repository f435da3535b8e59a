"""Logs: one line an event, on standard error, whoever wrote it: this service, its server, Celery or a library.

What a line is about (a request, an experiment, a claim) is bound where it is known, and stands in every line that is
written meanwhile, by ``structlog.contextvars``.
"""

import logging
import sys
from collections.abc import Iterable
from typing import Literal

import structlog
from structlog.typing import EventDict, Processor

from service.masking import masked_value

Form = Literal["json", "console"]
QUIET = ("alembic", "httpx", "httpcore")
"""libraries whose information is no news to who runs the service"""
SHARED: tuple[Processor, ...] = (
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.StackInfoRenderer(),
)
"""what every line gets, ours and others'"""


def configure_logs(level: str, form: Form = "json", secrets: Iterable[str] = ()) -> None:
    """Send structlog's and the standard library's records to standard error.

    Args:
        form: JSON for programs, or a line for people.
        secrets: never shown, wherever they stand.
    """
    handler = logging.StreamHandler(sys.stderr)
    rendering = _rendering(form, tuple(secrets))
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=SHARED, processors=rendering))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *SHARED,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )


def _rendering(form: Form, secrets: tuple[str, ...]) -> list[Processor]:
    """What makes a text of a line. Tracebacks are plain: the pretty ones show every local variable."""

    def mask(logger: object, method: str, line: EventDict) -> EventDict:
        return dict(masked_value(line, secrets))

    json = structlog.processors.JSONRenderer()
    console = structlog.dev.ConsoleRenderer(
        colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
    )
    return [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        structlog.processors.format_exc_info,
        mask,
        json if form == "json" else console,
    ]
