"""Licences as datasets write them, and their SPDX identifiers. Pure.

References:
    SPDX licence list 3.25, https://spdx.org/licenses/
"""

from __future__ import annotations

import re

# as written, in lower case and without what is neither letter nor digit → SPDX
_PLAIN = {
    "cc0": "CC0-1.0",
    "cco": "CC0-1.0",  # with the letter O: a slip that several datasets share
    "cc0 1 0": "CC0-1.0",
    "cc0 1 0 universal": "CC0-1.0",
    "creative commons zero": "CC0-1.0",
    "pddl": "PDDL-1.0",
    "pddl 1 0": "PDDL-1.0",
    "odbl": "ODbL-1.0",
    "odbl 1 0": "ODbL-1.0",
    "odc by": "ODC-By-1.0",
    "odc by 1 0": "ODC-By-1.0",
}
_LONG = (
    (re.compile(r"\bpublicdomain zero 1 0\b|\bcc0 1 0\b|\bcreative commons (?:cc0|zero)\b"), "CC0-1.0"),
    (re.compile(r"\bpublic domain dedication and license\b"), "PDDL-1.0"),
)
_ATTRIBUTION = re.compile(
    r"\b(?:cc|licenses|creative commons) by(?P<more>(?: (?:nc|nd|sa))*)(?: v)? ?(?P<version>[1-4] [0-9])\b"
)


def spdx(written: str) -> str:
    """Return the SPDX identifier of a licence; empty where the text names none, or no version of it.

    ``CC BY`` without a version is no licence that can be looked up, so it has no identifier.
    """
    words = " ".join(re.findall(r"[a-z0-9]+", written.lower()))
    if words in _PLAIN:
        return _PLAIN[words]
    for pattern, identifier in _LONG:
        if pattern.search(words):
            return identifier
    if match := _ATTRIBUTION.search(words):
        return "-".join(["CC-BY", *match["more"].upper().split(), match["version"].replace(" ", ".")])
    return ""
