"""Drawing Vega-Lite documents as files, without a browser.

Run as a script it reads a document on standard input and writes the file on standard output: the drawing engine keeps
some 100 MB for ever, which a service rather leaves to a process that ends.
"""

from __future__ import annotations

import json
import sys
from typing import Any, Literal, TypeAlias, assert_never

import vl_convert

Format: TypeAlias = Literal["png", "svg", "pdf"]
VEGA_LITE = "6.4"  # the version whose schema altair writes
PNG_SCALE = 2  # device pixels a pixel
NO_ORIGINS: list[str] = []  # a figure's data are inline: the renderer may fetch nothing


def drawn(document: dict[str, Any], form: Format) -> bytes:
    """The file of a Vega-Lite document."""
    match form:
        case "png":
            return bytes(
                vl_convert.vegalite_to_png(
                    document, vl_version=VEGA_LITE, scale=PNG_SCALE, allowed_base_urls=NO_ORIGINS
                )
            )
        case "svg":
            return vl_convert.vegalite_to_svg(document, vl_version=VEGA_LITE, allowed_base_urls=NO_ORIGINS).encode()
        case "pdf":
            return bytes(vl_convert.vegalite_to_pdf(document, vl_version=VEGA_LITE, allowed_base_urls=NO_ORIGINS))
        case _:
            assert_never(form)


if __name__ == "__main__":
    sys.stdout.buffer.write(drawn(json.load(sys.stdin), sys.argv[1]))  # type: ignore[arg-type]
