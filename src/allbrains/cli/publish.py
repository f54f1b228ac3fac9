"""``allbrains publish``: a corpus goes where others can load it."""

from __future__ import annotations

from pathlib import Path

import click

from allbrains.cli.terminal import echo
from allbrains.publish.pace import COMMITS_AN_HOUR


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
    from allbrains.library.study import Corpus

    done = Corpus(out).publish(
        target,
        public=public,
        dry_run=dry_run,
        leave_out=leave_out,
        affirm_defaced=affirm_defaced,
        commits_per_hour=commits_per_hour,
        tell=_say,
    )
    if dry_run:
        for line in done.steps:
            echo(line)
        return
    echo(done.address)
    sent = done.sent
    _say(f"{sent.files} files, {sent.nbytes / 1e6:.1f} MB in {sent.commits} commits; {sent.removed} removed")


def _say(sentence: str) -> None:
    echo("".join(c if c.isprintable() else "?" for c in sentence), err=True)
