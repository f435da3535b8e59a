"""Vega, Vega-Lite and Vega-Embed as one file that this service itself hands out: no CDN."""

from __future__ import annotations

import gzip
import hashlib
import subprocess
import sys
from functools import cache
from importlib.metadata import version

from memspan.figures.drawing import VEGA_LITE

# Vega would compile a chart's expressions with `new Function`, which `script-src 'self'` forbids. With `ast` it
# interprets them. Its inline style sheets are off for the same reason: style.css holds what they would have said.
SNIPPET = """
window.drawVega = (element, spec) => vegaEmbed(element, spec, {
  ast: true, actions: false, renderer: "svg", defaultStyle: false, tooltip: {disableDefaultStyle: true},
  loader: {target: "_blank", http: {credentials: "omit"}},
});
"""


PROGRAM = (
    "import sys, vl_convert; "
    "sys.stdout.buffer.write(vl_convert.javascript_bundle(sys.argv[1], vl_version=sys.argv[2]).encode())"
)
SECONDS = 120
GZIP_LEVEL = 9


@cache
def bundle_digest() -> str:
    """What the bundle hangs on, known before it is made: its own lines, and the package that makes it."""
    parts = (SNIPPET, VEGA_LITE, version("vl-convert-python"))
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


@cache
def compressed_bundle() -> bytes:
    """The same by gzip, once and not for everybody who asks (300 kB)."""
    return gzip.compress(javascript_bundle(), GZIP_LEVEL, mtime=0)


@cache
def javascript_bundle() -> bytes:
    """The script behind ``/static/vega.js`` (UTF-8, about 900 kB); the first call takes two seconds.

    It is made by a process of its own: the bundler would keep some 90 MB of this one for ever.
    """
    # Every word of it is a constant of this file.
    command = [sys.executable, "-c", PROGRAM, SNIPPET, VEGA_LITE]
    return subprocess.run(command, capture_output=True, check=True, timeout=SECONDS).stdout  # noqa: S603
