"""Upkeep on the command line: doctor, backup and restore."""

import json
from pathlib import Path
from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="answer JSON")]


def doctor(
    mend: Annotated[bool, typer.Option("--mend", help="mend what can be mended while the service runs")] = False,
    as_json: Json = False,
) -> None:
    """Check all that is stored: rows, weights, references, counters. Ends with 1 if anything is wrong."""
    from service.logs import configure_logs
    from service.operations.context import Context
    from service.operations.doctor import examined
    from service.queue.bell import bell_for
    from service.settings import load_settings
    from service.storage.database import Database

    settings = load_settings()
    configure_logs(settings.log_level, settings.log_format, settings.secrets)
    database = Database(settings.database_url)
    if database.path is not None and not database.path.exists():
        raise SystemExit(f"There is no database at {database.path} (MEMSPAN_HOME, MEMSPAN_DATABASE_URL).")
    sound, documents = True, []
    for finding in examined(Context(settings, database, bell_for(settings.redis_url)), mend):
        sound = sound and finding.sound
        documents.append(finding.document())
        if not as_json:
            _show(finding.document())
    database.close()
    if as_json:
        typer.echo(json.dumps({"sound": sound, "checks": documents}, indent=1))
    elif sound:
        typer.echo("Nothing is wrong.")
    raise typer.Exit(0 if sound else 1)


def _show(finding: dict[str, object]) -> None:
    """A line for a check, and what it found below."""
    mended = f" ({finding['mended']} mended)" if finding["mended"] else ""
    typer.echo(f"{'ok   ' if finding['sound'] else 'WRONG'} {finding['check']}: {finding['rule']}{mended}")
    found = finding["found"]
    for sentence in found if isinstance(found, list) else []:
        typer.echo(f"      - {sentence}")
    if finding["more"]:
        typer.echo(f"      - and {finding['more']} more")
    if finding["advice"]:
        typer.echo(f"      > {finding['advice']}")


def backup(file: Annotated[Path, typer.Argument(help="the file to make; it must not be there")]) -> None:
    """Back up the embedded database into one file, while everybody works."""
    from service.restoring import backed_up

    manifest = backed_up(file)
    typer.echo(f"{file}: {manifest.bytes} bytes, schema {manifest.schema}, sha256 {manifest.sha256}.")


def restore(file: Annotated[Path, typer.Argument(help="a backup", exists=True, dir_okay=False)]) -> None:
    """Put a backup in the place of the embedded database; nobody may use it."""
    from service.restoring import restored

    manifest, kept = restored(file)
    aside = f" The database that was there is kept as {kept}." if kept else ""
    typer.echo(f"Restored {manifest.bytes} bytes that Memspan {manifest.memspan} stored.{aside}")
