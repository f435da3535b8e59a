"""The command line: serve, api, worker, migrate, run, study, history, upkeep and keys.

What a command needs is imported within it: ``memspan --help`` must not wait for torch, and a client needs no database.
"""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from service import upkeep_commands
from service.key_commands import keys
from service.queue_names import ALL, parsed

cli = typer.Typer(no_args_is_help=True, add_completion=False)
cli.add_typer(keys, name="keys")
Host = Annotated[str, typer.Option(help="address to listen on")]
Server = Annotated[str, typer.Option(envvar="MEMSPAN_SERVER", help="where the service is")]
Wait = Annotated[bool, typer.Option("--wait", help="show progress, and the results at the end")]
Port = Annotated[int, typer.Option(min=0, max=65_535, help="port to listen on")]


def main() -> None:
    """The entry of ``memspan``."""
    cli()


def _say_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version
        from platform import python_version

        typer.echo(f"memspan {version('memspan')} (Python {python_version()}, torch {version('torch')})")
        raise typer.Exit


Version = Annotated[
    bool, typer.Option("--version", callback=_say_version, is_eager=True, help="Show the version and exit.")
]


@cli.callback()
def memspan(version: Version = False) -> None:
    """How far back does this network remember?"""


@cli.command()
def serve(
    host: Host = "127.0.0.1",
    port: Port = 8000,
    workers: Annotated[int | None, typer.Option(min=0, help="local workers; default: one for each core")] = None,
) -> None:
    """Serve API and dashboard, with local workers and an embedded database; nothing else is needed."""
    from service.serving import serve_all

    serve_all(host, port, (os.cpu_count() or 1) if workers is None else workers)


@cli.command()
def api(host: Host = "127.0.0.1", port: Port = 8000) -> None:
    """Serve the API and the dashboard alone; workers run elsewhere."""
    from service.serving import serve_api

    serve_api(host, port)


@cli.command()
def worker(
    queue: Annotated[str, typer.Option(help="queues to serve, comma-separated")] = ALL,
    concurrency: Annotated[int | None, typer.Option(min=1, help="processes; default: one for each core")] = None,
) -> None:
    """Run a Celery worker (deployment; needs MEMSPAN_REDIS_URL)."""
    from service.preparation import prepared

    if prepared().redis_url is None:
        raise typer.BadParameter("MEMSPAN_REDIS_URL is not set: memspan worker hears bells over Redis. "
                                 "On one machine, memspan serve needs no broker.")  # fmt: skip
    try:
        parsed(queue)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    os.environ["MEMSPAN_WORKER_QUEUES"] = queue
    from memspan.engine.machine_memory import VARIABLE
    from service.worker_share import worker_share

    count = str(concurrency or os.cpu_count() or 1)
    os.environ[VARIABLE] = os.environ.get(VARIABLE) or str(worker_share(int(count)))
    options = [
        "--queues",
        queue,
        "--concurrency",
        count,
        "--without-gossip",
        "--without-mingle",
        "--loglevel",
        "WARNING",
    ]
    # No shell is meant to stand between: Celery takes this process over, with its signals.
    os.execv(sys.executable, [sys.executable, "-m", "celery", "-A", "workers.celery_app", "worker", *options])  # noqa: S606


@cli.command()
def migrate() -> None:
    """Bring the database to the newest schema."""
    from migrations.revision import newest
    from service.preparation import prepared

    typer.echo(f"{prepared().masked()['database_url']} is at {newest()}.")


@cli.command()
def run(
    spec: Annotated[Path, typer.Argument(help="a JSON file with an experiment spec; - reads standard input")],
    wait: Wait = False,
    server: Server = "http://127.0.0.1:8000",
) -> None:
    """Post a spec to a running service."""
    from service.client.following import submit_and_follow

    text = sys.stdin.read() if str(spec) == "-" else _read(spec)
    raise typer.Exit(submit_and_follow(server, text, wait))


@cli.command()
def compare(
    experiments: Annotated[list[str], typer.Argument(help="ids of two experiments or more, such as exp-1 exp-2")],
    server: Server = "http://127.0.0.1:8000",
) -> None:
    """Compare the models of several experiments of a running service, and show in what their specs differ."""
    from service.client.comparing import compare as compared

    raise typer.Exit(compared(server, experiments))


@cli.command()
def study(
    kind: Annotated[str | None, typer.Argument(help="of the study; without it all studies are listed")] = None,
    scale: Annotated[
        str, typer.Option(help="quick: about a minute; full: the sizes that the claims are about; published")
    ] = "quick",
    group: Annotated[str | None, typer.Option(help="look at experiments that were started before")] = None,
    wait: Wait = False,
    markdown: Annotated[
        str | None, typer.Option(help="write its tables to this file when it has ended; - writes to standard output")
    ] = None,
    server: Server = "http://127.0.0.1:8000",
) -> None:
    """Start a study at a running service and show its verdicts; or list the studies."""
    from service.client.studying import Inquiry, inquire, list_studies

    if kind is None:
        raise typer.Exit(list_studies(server))
    asked = Inquiry(kind, scale, group, wait or markdown is not None, markdown)
    raise typer.Exit(inquire(server, asked))


@cli.command()
def history(
    file: Annotated[Path, typer.Argument(help="a CSV, Parquet, NPY or NPZ file")],
    target: Annotated[str | None, typer.Option(help="the column to foretell")] = None,
    inputs: Annotated[
        str | None, typer.Option(help="columns that are known, comma-separated; default: the target's own past")
    ] = None,
    horizon: Annotated[int, typer.Option(help="steps ahead")] = 1,
    season: Annotated[int | None, typer.Option(help="steps of a period that the data are known to have")] = None,
    missing: Annotated[str, typer.Option(help="where values are missing: error, interpolate or segment")] = "error",
    of: Annotated[str, typer.Option(help="foretell the level of the columns, or their change")] = "level",
    time: Annotated[str | None, typer.Option(help="the column that tells when; else it is guessed")] = None,
    time_format: Annotated[
        str | None, typer.Option(help="of that column, as strptime has it, e.g. %Y%m%d; else ISO 8601")
    ] = None,
    only: Annotated[str | None, typer.Option(help="which of several series is asked")] = None,
    series_column: Annotated[
        str | None, typer.Option(help="the column that tells series apart; else it is guessed by its name")
    ] = None,
    longest: Annotated[int | None, typer.Option(help="the longest context; default: as many as are needed")] = None,
    learners: Annotated[
        str, typer.Option(help="ridge takes a second; mlp, gru, tcn and attention, comma-separated, a minute")
    ] = "ridge",
    markdown: Annotated[str | None, typer.Option(help="write a page to this file; - is standard output")] = None,
    json: Annotated[str | None, typer.Option(help="write all numbers to this file; - is standard output")] = None,
    figure: Annotated[Path | None, typer.Option(help="draw losses by context: .png, .svg, .pdf or .json")] = None,
) -> None:
    """Tell how much history the series in a file needs; no server is asked."""
    from service.client.histories import Asked, Outputs, tell_file

    fields = (target, _listed(inputs), horizon, season, missing, of, time, only, series_column)
    asked = Asked(fields, longest, _listed(learners) or (), time_format)
    raise typer.Exit(tell_file(file, asked, Outputs(markdown, json, figure)))


def _listed(names: str | None) -> tuple[str, ...] | None:
    """What stands between commas."""
    return None if names is None else tuple(name.strip() for name in names.split(",") if name.strip())


for upkeep in (
    upkeep_commands.doctor,
    upkeep_commands.backup,
    upkeep_commands.restore,
    upkeep_commands.retention,
):
    cli.command()(upkeep)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise typer.BadParameter(f"{path} can't be read: {error}") from None
