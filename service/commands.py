"""The command line: serve, api, worker, migrate, run and study."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy.exc import OperationalError

from service.logs import configure_logs
from service.operations.context import Context
from service.queue.bell import bell_for
from service.settings import Settings, load_settings
from service.storage.database import Database

cli = typer.Typer(no_args_is_help=True, add_completion=False, help="How far back does this network remember?")
Host = Annotated[str, typer.Option(help="address to listen on")]
Server = Annotated[str, typer.Option(envvar="MEMSPAN_SERVER", help="where the service is")]
Wait = Annotated[bool, typer.Option("--wait", help="show progress, and the results at the end")]
Port = Annotated[int, typer.Option(min=0, max=65_535, help="port to listen on")]


def main() -> None:
    """The entry of ``memspan``."""
    cli()


@cli.command()
def serve(
    host: Host = "127.0.0.1",
    port: Port = 8000,
    workers: Annotated[int | None, typer.Option(min=0, help="local workers; default: one for each core")] = None,
) -> None:
    """Serve API and dashboard, with local workers and an embedded database; nothing else is needed."""
    from service.serving import serve_all

    settings = _prepared()
    serve_all(settings, host, port, (os.cpu_count() or 1) if workers is None else workers)


@cli.command()
def api(host: Host = "127.0.0.1", port: Port = 8000) -> None:
    """Serve the API and the dashboard alone; workers run elsewhere."""
    from service.app import create_app
    from service.serving import run_server, watched

    settings = _prepared()
    context = Context(settings, Database(settings.database_url), bell_for(settings.redis_url))
    with watched(context):
        run_server(create_app(context), host, port)


@cli.command()
def worker(
    queue: Annotated[str, typer.Option(help="queues to serve, comma-separated")] = "cpu,gpu,probe",
    concurrency: Annotated[int | None, typer.Option(min=1, help="processes; default: one for each core")] = None,
) -> None:
    """Run a Celery worker (deployment; needs MEMSPAN_REDIS_URL)."""
    settings = _prepared()
    if settings.redis_url is None:
        raise typer.BadParameter("MEMSPAN_REDIS_URL is not set: memspan worker hears bells over Redis. "
                                 "On one machine, memspan serve needs no broker.")  # fmt: skip
    unknown = set(queue.split(",")) - {"cpu", "gpu", "probe"}
    if unknown:
        raise typer.BadParameter(f"There is no queue {', '.join(sorted(unknown))}; known are cpu, gpu and probe.")
    os.environ["MEMSPAN_WORKER_QUEUES"] = queue
    count = str(concurrency or os.cpu_count() or 1)
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
    os.execv(sys.executable, [sys.executable, "-m", "celery", "-A", "workers.celery_app", "worker", *options])


@cli.command()
def migrate() -> None:
    """Bring the database to the newest schema."""
    from migrations.upgrade import newest

    settings = _prepared()
    typer.echo(f"{settings.masked()['database_url']} is at {newest()}.")


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
def study(
    kind: Annotated[str | None, typer.Argument(help="of the study; without it all studies are listed")] = None,
    scale: Annotated[
        str, typer.Option(help="quick: about a minute; full: the sizes that the claims are about")
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


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise typer.BadParameter(f"{path} can't be read: {error}") from None


def _prepared() -> Settings:
    """Settings, logs, and a database with the newest schema; processes that start at once take turns."""
    from migrations.upgrade import upgrade

    settings = load_settings()
    configure_logs(settings.log_level)
    database = Database(settings.database_url)
    try:
        if database.dialect == "sqlite":
            settings.home.mkdir(parents=True, exist_ok=True)
        upgrade(database.engine)
    except OSError as error:
        raise SystemExit(f"MEMSPAN_HOME is {str(settings.home)!r}, and no folder can be made there: {error}") from None
    except OperationalError as error:
        url = settings.masked()["database_url"]
        raise SystemExit(f"The database {url} can't be opened (MEMSPAN_DATABASE_URL): {error.orig}") from None
    finally:
        database.close()
    return settings
