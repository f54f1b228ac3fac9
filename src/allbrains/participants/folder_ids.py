"""From the ids that a table writes to the dataset's subject folders, where exactly one can be meant. Pure.

Looser and looser: the same name in another Unicode form; without quotes, blanks, other dashes, repeated or
misspelt ``sub-``, a session behind it, a spreadsheet's ``.0``, case and leading zeros; last, the number
alone where one of the two is nothing but a number (``S07`` and ``sub-07``) and all ids are built alike. A
folder that two ids claim stays without either.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence

_DASHES = re.compile(r"[\u2010-\u2015\u2212\ufe58\ufe63\uff0d]")
_PREFIX = re.compile(r"(?:sub|subj|subject|participant|part)(?:[-_ .]+|(?=\d))", re.IGNORECASE)
_SESSION = re.compile(r"[-_ ]ses-?(?P<label>[A-Za-z0-9]+)\Z", re.IGNORECASE)
_FLOAT = re.compile(r"(?<=\d)\.0+\Z")
_ZEROS = re.compile(r"(?<!\d)0+(?=\d)")
# Letters of a site or a study before the number; more of them are a name.
_LETTERS_AND_NUMBER = re.compile(r"(?:[a-z]{1,6}[-_ ]?)?(\d+)\Z")


def as_folder(label: str) -> str:
    """Return an id without what writers add to it, in one Unicode form; case and zeros are kept."""
    text = _DASHES.sub("-", unicodedata.normalize("NFC", label)).strip().strip("'\"").strip()
    text = _FLOAT.sub("", _SESSION.sub("", text))
    while match := _PREFIX.match(text):
        if match.end() == len(text):
            break
        text = text[match.end() :]
    return text


def session_in(label: str) -> str:
    """Return the session's label behind an id such as ``sub-07_ses-01``; empty where there is none."""
    found = _SESSION.search(label.strip())
    return found["label"] if found else ""


def loose_key(label: str) -> str:
    """Return a label without leading zeros and in lower case, in one Unicode form."""
    return _ZEROS.sub("", unicodedata.normalize("NFC", label).lower())


def _number(label: str) -> str:
    match = _LETTERS_AND_NUMBER.match(loose_key(as_folder(label)))
    return match[1].lstrip("0") or "0" if match else ""


_KEYS: tuple[Callable[[str], str], ...] = (
    lambda label: unicodedata.normalize("NFC", label),
    as_folder,
    loose_key,
    lambda label: loose_key(as_folder(label)),
    _number,
)


def folders_of(labels: Collection[str], folders: Collection[str]) -> dict[str, str]:
    """Return the folder's label for each id's label that means one.

    Args:
        labels: of the table's ids, without ``sub-``.
        folders: labels of the dataset's subject folders, without ``sub-``.
    """
    found = {label: label for label in labels if label in folders}
    uniform = _has_one_prefix(labels) and _has_one_prefix(folders)
    for key in _KEYS:
        if key is _number and not uniform:
            break  # P01 beside C01, or S01 beside 01: they may be different people
        found |= _one_to_one(set(labels) - found.keys(), set(folders) - set(found.values()), folders, key)
    return found


def _has_one_prefix(labels: Collection[str]) -> bool:
    """Whether all labels are a number behind the same letters."""
    found = {re.sub(r"\d.*", "", loose_key(as_folder(label))).strip("-_ ") for label in labels}
    return len(found) == 1


def _one_to_one(
    labels: Collection[str], free: Collection[str], folders: Collection[str], key: Callable[[str], str]
) -> Mapping[str, str]:
    """Return the pairs in which one id and one folder have a key, and no other folder has it."""
    by_key: defaultdict[str, list[str]] = defaultdict(list)
    for folder in folders:
        by_key[key(folder)].append(folder)
    claims: defaultdict[str, list[str]] = defaultdict(list)
    for label in labels:
        claims[key(label)].append(label)
    pairs = [(claims[shared], by_key[shared]) for shared in claims if shared]
    return {
        label: theirs[0]
        for mine, theirs in pairs
        if _is_one_person(mine) and len(theirs) == 1 and theirs[0] in free
        for label in mine
        if key is not _number or _one_is_a_number(label, theirs[0])
    }


def _is_one_person(labels: Sequence[str]) -> bool:
    """Whether labels are one id, or one id with different sessions behind it."""
    sessions = {session_in(label) for label in labels}
    same = len({as_folder(label) for label in labels}) == 1
    return len(labels) == 1 or (same and len(sessions) == len(labels) and "" not in sessions)


def _one_is_a_number(label: str, folder: str) -> bool:
    return as_folder(label).isdigit() or as_folder(folder).isdigit()
