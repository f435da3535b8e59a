"""Renew the tables of the pages in docs/studies: what stands between a page's marks is replaced, nothing else.

``python -m benchmarks.pages study latch --scale full`` runs a study at a running service (``--server``), or takes one
that was started before (``--group``). ``python -m benchmarks.pages benchmark latch`` puts in what
``python -m benchmarks latch`` prints.
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from service.client.studying import Inquiry, inquire

PAGES = Path(__file__).parent.parent / "docs" / "studies"
MARKED = r"<!-- begin: {what}[^>\n]*-->.*?<!-- end -->"
FIRST_OF_THE_REST = re.compile(r"\*\*.*: conditions(, after .*)?\*\*")
"""the title of the first table behind the claims"""
app = typer.Typer(add_completion=False)


@app.command()
def study(
    kind: Annotated[str, typer.Argument(help="of the study")],
    scale: Annotated[str, typer.Option(help="quick or full")] = "quick",
    group: Annotated[str | None, typer.Option(help="experiments that were started before")] = None,
    server: Annotated[
        str, typer.Option(help="where the service is", envvar="MEMSPAN_SERVER")
    ] = "http://127.0.0.1:8000",
) -> None:
    """Run a study and put its tables into its page."""
    with tempfile.TemporaryDirectory() as folder:
        printed = Path(folder) / "tables.md"
        status = inquire(server, Inquiry(kind, scale, group, wait=True, markdown=str(printed)))
        if status:
            raise typer.Exit(status)
        tables = folded(printed.read_text(encoding="utf-8"))
    renew(kind, f"memspan study {kind}", f" --scale {scale} --wait --markdown -", tables)


@app.command()
def benchmark(
    name: Annotated[str, typer.Argument(help="of the benchmark")],
    page: Annotated[
        str | None, typer.Argument(help="kind of the study whose page shows it; its own name if left out")
    ] = None,
) -> None:
    """Run a benchmark and put its table into the page of a study."""
    command = [sys.executable, "-m", "benchmarks", name]
    printed = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
    renew(page or name, f"python -m benchmarks {name}", "", bold(printed))


def bold(printed: str) -> str:
    """A printed table under a bold title, without the machine: its page has headings of its own."""
    title, _, rest = printed[printed.index("### ") + 4 :].partition("\n")
    return f"**{title}**\n{rest}"


def renew(page: str, command: str, options: str, tables: str) -> None:
    """Write a page with new tables."""
    path = PAGES / f"{page}.md"
    path.write_text(renewed(path.read_text(encoding="utf-8"), command, options, tables), encoding="utf-8")
    print(f"The tables of {path} are renewed.")


def renewed(page: str, command: str, options: str, tables: str) -> str:
    """A page with new tables, the command that printed them above.

    Raises:
        ValueError: the page has no marks for this command, or more than one pair.
    """
    block = (
        f"<!-- begin: {command}{options} -->\n\nPrinted by `{command}{options}`.\n\n{tables.strip()}\n\n<!-- end -->"
    )
    found, times = re.subn(MARKED.format(what=re.escape(command)), lambda _: block, page, flags=re.DOTALL)
    if times != 1:
        raise ValueError(f"The page must hold {block.splitlines()[0]} and <!-- end --> once; it does {times} times.")
    return found


def folded(tables: str) -> str:
    """The claims in sight, the long tables of conditions to be opened."""
    lines = tables.splitlines()
    first = next((place for place, line in enumerate(lines) if FIRST_OF_THE_REST.fullmatch(line)), len(lines))
    claims, rest = "\n".join(lines[:first]), "\n".join(lines[first:])
    hidden = f"<details>\n<summary>All conditions, memory spans and probes</summary>\n\n{rest}\n\n</details>"
    return f"{claims}\n{hidden}" if rest else claims


if __name__ == "__main__":
    app()
