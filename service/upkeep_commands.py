"""Upkeep on the command line: doctor, backup, restore and retention."""

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from service.storage.retention import Rule

Json = Annotated[bool, typer.Option("--json", help="answer JSON")]


def doctor(
    mend: Annotated[bool, typer.Option("--mend", help="mend what can be mended while the service runs")] = False,
    as_json: Json = False,
) -> None:
    """Check all that is stored: rows, weights, references, counters. Ends with 1 if anything is wrong."""
    from service.database_lock import hold
    from service.logs import configure_logs
    from service.operations.caller import who_runs
    from service.operations.context import Context
    from service.operations.doctor import examined
    from service.queue.bell import bell_for
    from service.settings import load_settings
    from service.storage.database import Database

    settings = load_settings()
    configure_logs(settings.log_level, settings.log_format, settings.secrets)
    database = Database(settings.database_url)
    if database.path is not None:
        if not database.path.exists():
            raise SystemExit(f"There is no database at {database.path} (MEMSPAN_HOME, MEMSPAN_DATABASE_URL).")
        hold(database.path)
    sound, documents = True, []
    context = Context(settings, database, bell_for(settings.redis_url))
    for finding in examined(context, mend, who_runs("memspan doctor --mend")):
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


def retention(
    label: Annotated[str | None, typer.Option(help="of the experiments that the rule is about")] = None,
    days: Annotated[float | None, typer.Option(help="after their end")] = None,
    keep: Annotated[
        str | None, typer.Option(help="best weights (the default), results without weights, or nothing")
    ] = None,
    remove: Annotated[bool, typer.Option("--remove", help="remove the rule of the label")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="say what would go now, and what it frees")] = False,
    as_json: Json = False,
) -> None:
    """Say what is left of experiments some days after their end: set a rule, list all, or see what is due."""
    from service.operations import retention as operations
    from service.operations.caller import who_runs
    from service.operations.context import Context
    from service.preparation import prepared
    from service.queue.bell import NoBell
    from service.storage.database import Database

    rule = _rule(label, days, keep, remove)
    settings = prepared()
    context, caller = Context(settings, Database(settings.database_url), NoBell()), who_runs("memspan retention")
    try:
        if rule is not None:
            operations.put(context, rule, caller)
        elif label is not None and not operations.remove(context, label, caller):
            raise typer.BadParameter(f"There is no rule of the label {label!r}.")
        if dry_run:
            _show_forecast([vars(each) for each in operations.forecast(context)], as_json)
        else:
            _show_rules([vars(rule) for rule in operations.rules(context)], settings.retention_days, as_json)
    finally:
        context.database.close()


def _rule(label: str | None, days: float | None, keep: str | None, remove: bool) -> "Rule | None":
    """The rule that the options make; None where they make none, because one is removed or nothing is changed."""
    from service.storage.retention import Rule
    from service.storage.states import Keep

    if keep is not None and keep not in list(Keep):
        raise typer.BadParameter(f"--keep must be one of {', '.join(Keep)}, not {keep!r}.")
    if days is not None and not 0 <= days < math.inf:
        raise typer.BadParameter(f"--days must be a number of days, at least 0, not {days:g}.")
    if remove and (days is not None or keep is not None):
        raise typer.BadParameter("--remove takes the whole rule of a label away: leave out --days and --keep.")
    if label is None:
        for option, given in (("--days", days is not None), ("--keep", keep is not None), ("--remove", remove)):
            if given:
                rest = "" if remove else ", or set MEMSPAN_RETENTION_DAYS for all"
                raise typer.BadParameter(f"{option} is of a rule: give the --label that it is about{rest}.")
        return None
    if remove:
        return None
    if days is None:
        raise typer.BadParameter(f"The rule of {label!r} needs --days; --remove takes it away.")
    return Rule(label, days, Keep(keep or Keep.BEST))


def _show_rules(rules: list[dict[str, Any]], days: float | None, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps({"rules": rules, "days": days}, indent=1))
        return
    for rule in rules:
        typer.echo(f"{rule['label']}: {rule['days']:g} days after their end, {rule['keep']} is kept.")
    rest = "for ever" if days is None else f"for {days:g} days after their end, then nothing (MEMSPAN_RETENTION_DAYS)"
    typer.echo(f"All others are kept {rest}.")


def _show_forecast(found: list[dict[str, Any]], as_json: bool) -> None:
    rows, size = (sum(each[name] for each in found) for name in ("rows", "bytes"))
    if as_json:
        typer.echo(json.dumps({"experiments": found, "rows": rows, "bytes": size}, indent=1))
        return
    for each in found:
        typer.echo(f"exp-{each['key']} {each['name']!r}: {each['keep']} is kept, {each['bytes']} bytes go.")
    typer.echo(f"{len(found)} experiments, {rows} rows and {size} bytes would go.")
