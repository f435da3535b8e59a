"""The commands of keys: create, list, revoke, abolish. They work on the database itself: who runs them is its owner.

Only a new secret goes to standard output, so that ``KEY=$(memspan keys create ...)`` holds it and nothing else.
"""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from service.operations.caller import Caller
    from service.operations.keys import KeyView
    from service.storage.database import Database

keys = typer.Typer(no_args_is_help=True, help="Make, list and revoke the keys that let clients in.")
NO_ADMIN = "No key has the scope admin: nobody can make or revoke keys over HTTP, only this command can."
LIMITS = "queued_runs, stored_bytes and core_seconds (of one worker, in a day)"


@keys.command()
def create(
    name: Annotated[str, typer.Option(help="who it is for")],
    scope: Annotated[str, typer.Option(help="read: look; run: also submit; admin: everything")],
    expires: Annotated[str | None, typer.Option(help="how long it lets in, such as 90d; default: for ever")] = None,
    quota: Annotated[
        list[str] | None, typer.Option(help=f"at most so much of {LIMITS}: queued_runs=20000,stored_bytes=2GiB")
    ] = None,
) -> None:
    """Make a key and show its secret, this once."""
    from service.operations import keys as operations
    from service.operations.key_request import KeyRequest

    fields = {"name": name, "scope": scope, "expires": expires, "quota": _quota(quota or [])}
    with _open() as database:
        made = operations.create(database, _checked(KeyRequest, fields), _caller(), over_http=False)
        typer.echo(f"Made {_told(made.view)}. Its secret, which is never shown again:", err=True)
        typer.echo(made.secret)
        if made.is_first:
            typer.echo("From now on every request needs a key: Authorization: Bearer mspn_...", err=True)
        if not operations.administrable(database):
            typer.echo(f"Warning: {NO_ADMIN}", err=True)


@keys.command("list")
def show() -> None:
    """Show all keys, without their secrets."""
    from rich.console import Console
    from rich.table import Table

    from service.operations import keys as operations

    with _open() as database:
        views = operations.listing(database, None, 1_000_000)
    if not views:
        typer.echo("There is no key: clients of trusted networks are let in without.")
        return
    table = Table("name", "scope", "state", "hint", "expires", "last used", "uses")
    for view in views:
        row, used = view.row, vars(view.usage)
        shares = [f"{name} {used[name]:,.0f}{_of(most)}" for name, most in vars(row.quota).items()]
        table.add_row(
            row.name, row.scope, view.state, row.hint, _day(row.expires_at), _day(row.used_at), "\n".join(shares)
        )
    Console(width=None if Console().is_terminal else 160).print(table)


@keys.command()
def revoke(name: Annotated[str, typer.Argument(help="of the key")]) -> None:
    """End a key: within a second it lets nobody in any more, and its event streams end."""
    from service.operations import keys as operations

    with _open() as database:
        typer.echo(f"Revoked {_told(operations.revoke_named(database, name, _caller()))}.")
        if not operations.administrable(database):
            typer.echo(f"Warning: {NO_ADMIN}", err=True)


@keys.command()
def abolish(
    yes: Annotated[bool, typer.Option("--yes", help="without it, nothing is done")] = False,
) -> None:
    """Delete all keys: clients of trusted networks are let in without, as before there was any."""
    from service.operations import keys as operations

    if not yes:
        raise typer.BadParameter("All keys would be deleted and everybody of a trusted network let in; say --yes.")
    with _open() as database:
        count = operations.abolish(database, _caller())
    typer.echo(f"Deleted {count} keys. Clients of trusted networks are let in without any.")


@contextmanager
def _open() -> "Iterator[Database]":
    """The database of the settings; a problem ends the command with its sentence."""
    from service.errors import Problem
    from service.preparation import prepared
    from service.storage.database import Database

    database = Database(prepared().database_url)
    try:
        yield database
    except Problem as problem:
        raise SystemExit(problem.detail) from None
    finally:
        database.close()


def _caller() -> "Caller":
    from service.operations.caller import who_runs

    return who_runs(" ".join(["memspan keys", *sys.argv[2:3]]))


def _checked(model: Any, fields: dict[str, Any]) -> Any:
    """The request that the options make, or their fault in a sentence."""
    from pydantic import ValidationError

    from memspan.validation.sentences import sentence

    try:
        return model.model_validate(fields)
    except ValidationError as error:
        first = error.errors()[0]
        option = "--" + " ".join(str(part) for part in first["loc"])
        raise typer.BadParameter(sentence(option, first, first["input"])) from None


def _quota(texts: Sequence[str]) -> dict[str, int]:
    """``["queued_runs=10", "stored_bytes=2GiB"]``, or both in one text, as numbers by name."""
    from pydantic import ByteSize, TypeAdapter, ValidationError

    from service.operations.key_request import QuotaRequest

    amounts, found = TypeAdapter(ByteSize), {}
    for part in ",".join(texts).split(",") if texts else ():
        name, _, amount = part.strip().partition("=")
        field = name.strip().replace("-", "_")
        try:
            found[field] = int(amounts.validate_python(amount.strip()))
        except ValidationError:
            field = ""
        if field not in QuotaRequest.model_fields:
            raise typer.BadParameter(f"--quota {part!r} is no limit; give some of {LIMITS}, as queued_runs=20000.")
    return found


def _of(most: int | None) -> str:
    return "" if most is None else f" of {most:,}"


def _told(view: "KeyView") -> str:
    from service.operations import ids

    ends = f", until {_day(view.row.expires_at)}" if view.row.expires_at else ""
    return f"the key {view.row.name} ({ids.public(ids.KEY, view.row.key)}), scope {view.row.scope}{ends}"


def _day(seconds: float | None) -> str:
    from datetime import UTC, datetime

    return "" if seconds is None else f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M} UTC"
