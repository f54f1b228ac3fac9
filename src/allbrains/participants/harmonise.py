"""From the files of one dataset to its participants. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from allbrains.participants.records import Confidence, Harmonised, Participant, Receipt

_SEXES = {"f": "female", "female": "female", "m": "male", "male": "male"}


def harmonise(dataset: str, files: Mapping[str, bytes]) -> Harmonised:
    """Return the participants that a dataset's files describe.

    Args:
        dataset: accession or folder name.
        files: bytes by path inside the dataset: ``participants.tsv``, ``participants.json`` and others.
    """
    source = "participants.tsv"
    lines = files.get(source, b"").decode("utf-8-sig", errors="replace").splitlines()
    cells = [line.split("\t") for line in lines if line.strip()]
    rows = []
    for values in cells[1:]:
        row = dict(zip(cells[0], values, strict=False))
        receipts, age, sex = {}, None, _SEXES.get(row.get("sex", "").strip().lower())
        if row.get("age", "").replace(".", "", 1).isdecimal():
            age = float(row["age"])
            receipts["age"] = Receipt(
                source=source, column="age", raw=row["age"], rule="age.number", confidence=Confidence.MEDIUM
            )
        if sex:
            receipts["sex"] = Receipt(
                source=source, column="sex", raw=row["sex"], rule="sex.word", confidence=Confidence.HIGH
            )
        name = row.get("participant_id", values[0])
        rows.append(
            Participant(
                dataset=dataset,
                participant_id=name,
                age_years=age,
                age_capped=None if age is None else False,
                sex=sex,
                receipts=receipts,
            )
        )
    return Harmonised(rows=tuple(rows), notes=())
