"""What may be shown to everybody, and under which licence the whole stands. Pure.

No legal advice: rules that are written down, so that a person can check them.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping

from allbrains.publish.source_datasets import Origin

_FREE = {"CC0-1.0", "PDDL-1.0", "ODbL-1.0", "ODC-By-1.0"}
_ATTRIBUTION = re.compile(r"CC-BY(?:-NC)?(?:-SA)?-\d\.\d\Z")

# SPDX → the Hub's name, where it has one
_HUB = {"CC0-1.0": "cc0-1.0", "PDDL-1.0": "pddl", "ODbL-1.0": "odbl", "ODC-By-1.0": "odc-by"}
_HUB |= {name: name.lower() for name in ("CC-BY-2.0", "CC-BY-2.5", "CC-BY-3.0", "CC-BY-4.0")}
_HUB |= {name: name.lower() for name in ("CC-BY-SA-3.0", "CC-BY-SA-4.0", "CC-BY-NC-2.0", "CC-BY-NC-3.0")}
_HUB |= {name: name.lower() for name in ("CC-BY-NC-4.0", "CC-BY-NC-SA-3.0", "CC-BY-NC-SA-4.0")}


def hindrances(origin: Origin, affirmed: Collection[str] = ()) -> list[str]:
    """Return why scans of a dataset may not be shown to everybody; none: they may.

    Args:
        origin: the dataset.
        affirmed: datasets of which the publisher affirms that faces were removed.
    """
    found = []
    if not origin.spdx:
        written = f"the licence {origin.license!r} names none that can be looked up" if origin.license else ""
        found.append(written or "no licence is stated")
    elif "-ND-" in origin.spdx:
        found.append(f"{origin.spdx} forbids passing on what was made from it")
    elif origin.spdx not in _FREE and not _ATTRIBUTION.match(origin.spdx):
        found.append(f"{origin.spdx} is not known to allow passing it on")
    if origin.dataset not in affirmed and not origin.consent:
        if origin.defaced is False:
            found.append("its owner says that faces were not removed, and affirms no consent to show them")
        elif origin.defaced is None and not origin.archived:
            found.append("nobody affirms that faces were removed")
    if origin.deprecated:
        found.append(f"its owner withdrew this version: {origin.deprecated}")
    return found


def contradicted(origin: Origin, intact: Mapping[str, int]) -> list[str]:
    """Return the line that says how many scans have a face, where no consent to show it is affirmed."""
    count = intact.get(origin.dataset, 0)
    if not count or origin.consent:
        return []
    return [f"{count} of its scans have a face (column `face`), and no consent to show it is affirmed"]


def faces(origin: Origin, affirmed: Collection[str] = ()) -> str:
    """Return what is stated about faces, in a few words."""
    if origin.defaced or origin.dataset in affirmed:
        return "removed, as affirmed"
    if origin.consent:
        return "consent affirmed"
    return "not removed" if origin.defaced is False else "not stated"


def licence_of(origins: Iterable[Origin]) -> str:
    """Return the Hub's name of the licence of the whole: the one that all parts share, else ``other``."""
    found = {origin.spdx for origin in origins}
    return _HUB.get(found.pop(), "other") if len(found) == 1 else "other"


def verdict_of(origins: Iterable[Origin]) -> str:
    """Return what follows for the whole, in one sentence."""
    found = sorted({origin.spdx or "no licence" for origin in origins})
    if "no licence" in found:
        return "Some scans come without a licence that can be looked up: not to be passed on."
    if any("-ND-" in name for name in found):
        return "Some licences forbid derived works: not to be passed on."
    duties = ["no conditions of copyright"]
    if any("BY" in name.upper().split("-") for name in found):
        duties = ["name the authors (`CITATION.cff`, `references.bib`)"]
    if any(name.split("-")[-2:-1] == ["SA"] or name.startswith("ODbL") for name in found):
        duties.append("share what you derive under the same terms")
    if any("-NC-" in name for name in found):
        duties.append("no commercial use of those parts")
    return f"{', '.join(found)}: {'; '.join(duties)}."


def refusals(
    origins: Iterable[Origin], affirmed: Collection[str] = (), intact: Mapping[str, int] | None = None
) -> list[str]:
    """Return a line for each dataset that may not be shown to everybody.

    Args:
        origins: the datasets.
        affirmed: datasets of which the publisher affirms that faces were removed.
        intact: in how many scans of a dataset a face was found. Then no statement that it was removed holds,
            and only the owner's statement of consent lets it pass.
    """
    seen = intact or {}
    told = ((origin, hindrances(origin, affirmed) + contradicted(origin, seen)) for origin in origins)
    return [f"{origin.dataset} {origin.snapshot}: {'; '.join(why)}" for origin, why in told if why]
