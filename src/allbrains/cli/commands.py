"""All commands: where each is, what it needs, and what the list of commands says of it.

The list of commands is printed from here, so that it imports none of them.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandEntry:
    """One command.

    Attributes:
        module: of ``allbrains.cli``; holds a click command called ``command``.
        summary: its line in the list of commands, 60 characters at most.
        example: how it is typed.
        extras: of the package that it can't do without.
    """

    module: str
    summary: str
    example: str
    extras: tuple[str, ...] = ()


GROUPS: dict[str, dict[str, CommandEntry]] = {
    "Begin": {
        "demo": CommandEntry(
            module="demo",
            summary="Do the main job on a local OpenNeuro of phantoms, off-line.",
            example="allbrains demo --out .demo",
            extras=("build", "sandbox"),
        ),
        "doctor": CommandEntry(
            module="doctor",
            summary="Check what this machine and this installation can do.",
            example="allbrains doctor --out brains",
        ),
    },
    "Find scans": {
        "catalog": CommandEntry(
            module="catalog",
            summary="List the T1w scans of OpenNeuro, or of a BIDS folder.",
            example='allbrains catalog --out brains --where "age_years < 40"',
            extras=("build",),
        ),
        "participants": CommandEntry(
            module="participants",
            summary="Read ages and sexes from participants.tsv, with receipts.",
            example="allbrains participants /data/my-study",
        ),
        "download": CommandEntry(
            module="download",
            summary="Download raw scans as a BIDS folder.",
            example="allbrains download --out raw --limit 10",
            extras=("build",),
        ),
    },
    "Build a corpus": {
        "build": CommandEntry(
            module="build",
            summary="Turn scans into a corpus; again, to go on or to append.",
            example="allbrains build --out brains --dataset ds000011",
            extras=("build",),
        ),
        "plan": CommandEntry(
            module="plan",
            summary="Say what a build would do: scans, GB, hours, disk.",
            example="allbrains plan --out brains",
            extras=("build",),
        ),
        "status": CommandEntry(
            module="status",
            summary="Tell how far a build is, from any terminal.",
            example="allbrains status brains",
        ),
        "verify": CommandEntry(
            module="verify",
            summary="Check every file of a corpus against its ledger.",
            example="allbrains verify brains",
        ),
        "repair": CommandEntry(
            module="repair",
            summary="Let the next build redo what `verify` found broken.",
            example="allbrains repair brains",
            extras=("build",),
        ),
        "remove": CommandEntry(
            module="remove",
            summary="Take a dataset out of a corpus.",
            example="allbrains remove brains --dataset ds000011",
            extras=("build",),
        ),
    },
    "Look at it": {
        "report": CommandEntry(
            module="report",
            summary="Write every brain as a page that needs no network.",
            example="allbrains report brains",
        ),
        "serve": CommandEntry(
            module="serve",
            summary="Show a corpus in the browser, and rate its scans.",
            example="allbrains serve brains",
        ),
        "scan": CommandEntry(
            module="scan",
            summary="Process your own scan and place it beside a corpus.",
            example="allbrains scan disc.zip --out my-brain",
            extras=("build", "dicom"),
        ),
    },
    "Train on it": {
        "splits": CommandEntry(
            module="splits",
            summary="Make training, validation and test sides by person.",
            example="allbrains splits brains",
        ),
        "verify-splits": CommandEntry(
            module="verify_splits",
            summary="Find people on two sides of anybody's split file.",
            example="allbrains verify-splits my-split.csv --corpus brains",
        ),
        "learn": CommandEntry(
            module="learn",
            summary="Train and test a baseline: age, sex, contrastive.",
            example="allbrains learn age brains",
            extras=("learn",),
        ),
        "bench": CommandEntry(
            module="bench",
            summary="Measure what reading a corpus costs on this machine.",
            example="allbrains bench brains",
        ),
    },
    "Share it": {
        "export": CommandEntry(
            module="export",
            summary="Write samples as NIfTI (BIDS), NumPy files or tars.",
            example="allbrains export brains --to bids-out",
            extras=("build",),
        ),
        "publish": CommandEntry(
            module="publish",
            summary="Put a corpus on the Hub, in a bucket or in a folder.",
            example="allbrains publish brains hf://user/name",
            extras=("publish",),
        ),
        "cite": CommandEntry(
            module="cite",
            summary="Print the citations of the scans that were used.",
            example="allbrains cite brains --where \"sex = 'female'\"",
        ),
    },
    "Try it without a network": {
        "sandbox": CommandEntry(
            module="sandbox",
            summary="Serve a folder as a local OpenNeuro.",
            example="allbrains sandbox --simulate 20",
            extras=("sandbox",),
        ),
    },
}
COMMANDS = {name: entry for group in GROUPS.values() for name, entry in group.items()}
