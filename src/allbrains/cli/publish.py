"""``allbrains publish``: a corpus goes where others can load it."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime
from pathlib import Path

import click

from allbrains.errors import ConfigurationError
from allbrains.publish import reuse_terms
from allbrains.publish.bundle import bundle
from allbrains.publish.commits import commits
from allbrains.publish.pace import COMMITS_AN_HOUR, Pace
from allbrains.publish.targets import target_at
from allbrains.publish.upload import first_day, lines, see_that_it_is_ours, send


@click.command("publish")
@click.argument("out", type=click.Path(path_type=Path))
@click.argument("target")
@click.option("--public", is_flag=True, help="Let everybody read it, when all of it is there. hf:// only.")
@click.option("--dry-run", is_flag=True, help="Print what would be sent, and send nothing.")
@click.option(
    "--leave-out",
    multiple=True,
    metavar="ID",
    help="A dataset that stays at home; may be given several times.",
)
@click.option(
    "--affirm-defaced",
    multiple=True,
    metavar="ID",
    help="You affirm that this dataset's faces were removed; may be given several times.",
)
@click.option(
    "--commits-per-hour",
    type=click.IntRange(min=1),
    default=COMMITS_AN_HOUR,
    show_default=True,
    help="The Hub refuses from about 128.",
)
def command(
    *,
    out: Path,
    target: str,
    public: bool,
    dry_run: bool,
    leave_out: tuple[str, ...],
    affirm_defaced: tuple[str, ...],
    commits_per_hour: int,
) -> None:
    """Publish the corpus OUT at TARGET: hf://user/name, a folder, or any URL that fsspec knows (s3://…).

    On the Hub it is private unless --public is given. The same command goes on after an interruption, sends
    only what changed, and removes what left the corpus. Token: HF_TOKEN, or `hf auth login`.
    """
    place = target_at(target)
    pace = Pace(limit=commits_per_hour, tell=_say)
    with tempfile.TemporaryDirectory(prefix="allbrains-publish-") as scratch:
        day = first_day(place, datetime.now(UTC).date(), pace=pace, tell=_say)
        made = bundle(out, Path(scratch), place.shown(), day, affirmed=affirm_defaced, left_out=leave_out)
        for_all = public or place.public()
        facts = made.facts
        refused = reuse_terms.refusals(facts.origins, affirm_defaced, facts.intact_faces())
        if for_all and refused:
            raise ConfigurationError(
                f"{place.where()} {'would be' if public else 'is'} public, but not everybody may see:\n  "
                + "\n  ".join(refused)
                + "\nnothing was sent; --leave-out keeps a dataset at home"
            )
        if dry_run:
            held = place.held()
            see_that_it_is_ours(made.items, held, place)
            for line in lines(commits(made.items, held, place.limits), made.items, place):
                click.echo(line)
            return
        sent = send(made.items, place, pace=pace, tell=_say)
        if public:
            place.make_public()
    click.echo(place.where())
    _say(f"{sent.files} files, {sent.nbytes / 1e6:.1f} MB in {sent.commits} commits; {sent.removed} removed")


def _say(sentence: str) -> None:
    click.echo("".join(c if c.isprintable() else "?" for c in sentence), err=True)
