"""Vega, Vega-Lite and Vega-Embed as one file that this service itself hands out: no CDN."""

from __future__ import annotations

from functools import cache

import vl_convert

from memspan.figures.render import VEGA_LITE

# Vega would compile a chart's expressions with `new Function`, which `script-src 'self'` forbids. With `ast` it
# interprets them. Its inline style sheets are off for the same reason: style.css holds what they would have said.
SNIPPET = """
window.drawVega = (element, spec) => vegaEmbed(element, spec, {
  ast: true, actions: false, renderer: "svg", defaultStyle: false, tooltip: {disableDefaultStyle: true},
  loader: {target: "_blank", http: {credentials: "omit"}},
});
"""


@cache
def javascript_bundle() -> bytes:
    """The script behind ``/static/vega.js`` (UTF-8, about 900 kB); the first call takes a second or two."""
    return vl_convert.javascript_bundle(SNIPPET, vl_version=VEGA_LITE).encode()
