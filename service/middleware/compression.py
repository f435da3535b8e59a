"""Compression: text goes out by gzip to whoever takes it.

A page holds a visitor's token beside what he looked for, which whoever counts compressed bytes could guess letter by
letter (BREACH) if requests from other sites carried the visitor's cookie: it is SameSite=Strict, so they don't.
"""

from functools import partial

from starlette.middleware.gzip import DEFAULT_EXCLUDED_CONTENT_TYPES, GZipMiddleware

SMALLEST = 1_000
"""bytes below which an answer fits one packet either way"""
GZIP_LEVEL = 6
"""of gzip; 9, the closest, takes twice the time (chart library: 68 for 34 ms) for .2 % fewer bytes"""
AS_THEY_ARE = (*DEFAULT_EXCLUDED_CONTENT_TYPES, "application/octet-stream", "application/pdf")
"""what is compressed already or doesn't shrink: weights are noise to gzip"""

Compression = partial(
    GZipMiddleware, minimum_size=SMALLEST, compresslevel=GZIP_LEVEL, exclude_content_types=AS_THEY_ARE
)
"""middleware of ASGI; an event stream stays as it is, and so does a part of a file (206)"""
