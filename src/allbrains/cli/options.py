"""Options that several commands share, so that the same word means the same everywhere."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import click

Command = TypeVar("Command", bound=Callable[..., Any])

# the same text as in sources.openneuro, which is not imported for a --help
API = "https://openneuro.org/crn/graphql"
SUFFIXES = ("T1w", "UNIT1", "T2w", "FLAIR")
BUCKET = "https://s3.amazonaws.com/openneuro.org"


def _service(ctx: click.Context, parameter: click.Parameter, value: str) -> str:
    """Refuse what is not the URL of a service."""
    try:
        parts = urlsplit(value)
        good = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        good = False
    if not good or parts.username is not None or parts.query or parts.fragment:
        raise click.BadParameter(f"{value!r} is not the URL of a service, such as https://host/path")
    return value.rstrip("/")


def service_options(command: Command) -> Command:
    """Add ``--api``, ``--bucket`` and ``--contact``: where OpenNeuro is, and who asks it.

    The command takes ``api: str, bucket: str, contact: str``.
    """
    for option in (
        click.option(
            "--contact",
            default="",
            envvar="ALLBRAINS_CONTACT",
            help="Your e-mail address, told to the servers that are asked.",
        ),
        click.option(
            "--bucket", default=BUCKET, show_default=True, callback=_service, help="OpenNeuro's bucket."
        ),
        click.option(
            "--api", default=API, show_default=True, callback=_service, help="OpenNeuro's GraphQL API."
        ),
    ):
        command = option(command)
    return command


def source_options(command: Command) -> Command:
    """Add ``--api``, ``--bucket``, ``--contact`` and ``--bids``: where scans come from.

    The command takes ``api: str, bucket: str, contact: str, bids: Path | None``.
    """
    bids = click.option(
        "--bids",
        type=click.Path(exists=True, file_okay=False, path_type=Path),
        help="Read this BIDS dataset, or folder of them, instead of OpenNeuro.",
    )
    return service_options(bids(command))


def selection_options(command: Command) -> Command:
    """Add what chooses scans: ``--dataset``, ``--where``, ``--limit``, ``--suffix``, ``--lock``, and what is
    read about them: ``--headers``, ``--sidecars``.

    The command takes ``dataset: tuple[str, ...], where: str, limit: int | None, suffix: tuple[str, ...],
    lock: Path | None, headers: bool, sidecars: bool``.
    """
    for option in (
        click.option(
            "--sidecars",
            is_flag=True,
            help="Read the scans' JSON sidecars too, for field_strength_t, manufacturer, echo_time_s …",
        ),
        click.option(
            "--headers",
            is_flag=True,
            help="Read the images' headers too (4 kB each), for spacing_max, fov_min, orientation …",
        ),
        click.option(
            "--lock",
            type=click.Path(exists=True, dir_okay=False, path_type=Path),
            metavar="FILE",
            help="Only the datasets of this catalog.lock.json, in just its versions.",
        ),
        click.option(
            "--suffix",
            type=click.Choice(SUFFIXES),
            multiple=True,
            default=["T1w"],
            show_default=True,
            help="Kind of image; may be given several times.",
        ),
        click.option("--limit", type=click.IntRange(min=1), help="At most so many scans."),
        click.option(
            "--where", default="", metavar="SQL", help="Condition over the catalogue's columns, as in SQL."
        ),
        click.option(
            "--dataset", multiple=True, metavar="ID", help="Only this dataset; may be given several times."
        ),
    ):
        command = option(command)
    return command


def recipe_options(command: Command) -> Command:
    """Add ``--recipe`` and ``--jobs``: what is done, and how many scans at once.

    The command takes ``recipe: str, jobs: int | None``.
    """
    for option in (
        click.option(
            "--jobs", type=click.IntRange(min=1), help="Scans at once. Default: what cores and memory allow."
        ),
        click.option(
            "--recipe", default="embedded", show_default=True, help="Name of a recipe, or a TOML file."
        ),
    ):
        command = option(command)
    return command


def out_option(command: Command) -> Command:
    """Add ``--out DIR``. The command takes ``out: Path``."""
    return click.option(
        "--out",
        type=click.Path(file_okay=False, path_type=Path),
        required=True,
        metavar="DIR",
        help="Folder for the result; made when it is not there.",
    )(command)


def json_option(command: Command) -> Command:
    """Add ``--json``. The command takes ``as_json: bool``."""
    return click.option("--json", "as_json", is_flag=True, help="One JSON object a line on stdout.")(command)
