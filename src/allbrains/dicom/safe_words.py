"""The words that a description may be told by. All others stay unread: they may be a name. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

# what a word speaks for; matched anywhere in a text that was folded to letters and digits
LEXICON: dict[str, tuple[str, ...]] = {
    "t1": ("t1", "t1w", "mprage", "bravo", "fspgr", "spgr", "tfl3d", "vibe"),
    "t2": ("t2", "t2w"),
    "t2star": ("t2*", "t2star", "swi", "swan", "susc", "hemo"),
    "flair": ("flair", "tirm", "darkfluid"),
    "pd": ("pd", "pdw", "proton"),
    "diffusion": ("dwi", "dti", "diff", "diffusion", "adc", "tracew", "hardi", "colfa", "tensor"),
    "functional": ("bold", "fmri", "rest", "resting", "task", "epi"),
    "localiser": ("loc", "localizer", "localiser", "scout", "survey", "aahead", "aascout", "smartbrain"),
    "perfusion": ("asl", "pasl", "pcasl", "perfusion", "perf", "dsc", "dce", "cbf", "cbv"),
    "angiography": ("tof", "mra", "angio", "venography"),
    "field map": ("fieldmap", "fmap", "b0map", "b1map", "shim"),
    "map": ("inv1", "inv2", "t1map", "t1images", "t2map"),
    "uniform": ("uni", "uniden", "mp2rage"),
    "derived": ("reformat", "reformatted", "mip", "minip", "subtraction"),
    "screenshot": ("screen", "screenshot", "screensave", "capture", "snapshot"),
    "contrast agent": ("gd", "gad", "gado", "postcontrast", "km", "dotarem", "gadovist"),
}
_JOINED = ("mprage", "mp2rage", "flair", "darkfluid", "localizer", "fieldmap", "t1map", "t1images")
_MEANING: dict[str, frozenset[str]] = {}
for _meaning, _forms in LEXICON.items():
    for _form in _forms:
        _MEANING[_form] = _MEANING.get(_form, frozenset()) | {_meaning}


def known_words(texts: Iterable[str]) -> frozenset[str]:
    """Return the meanings, keys of ``LEXICON``, of the known words in some texts."""
    found: set[str] = set()
    for text in texts:
        folded = unicodedata.normalize("NFKD", text).casefold()
        for piece in re.split(r"[^a-z0-9*]+", folded):
            found |= _MEANING.get(piece, frozenset())
            for part in re.findall(r"[a-z]+[12]?\*?|[a-z]+", piece):
                found |= _MEANING.get(part, frozenset())
        joined = re.sub(r"[^a-z0-9]+", "", folded)
        for form in _JOINED:
            if form in joined:
                found |= _MEANING.get(form, frozenset())
    return frozenset(found)


def name_words(name: str) -> tuple[str, ...]:
    """Return a person's name as folded words in alphabetic order: ``DOE^Jane`` and ``Jane Doe`` are one."""
    folded = unicodedata.normalize("NFKD", name).casefold()
    return tuple(sorted(filter(None, re.split(r"[^\w]+|_", folded))))
