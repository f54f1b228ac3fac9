"""A catalogue on disk is of one crawl, and ``--where`` chooses from it and does nothing else."""

import pytest

from allbrains.catalogue import catalogue
from allbrains.catalogue.crawl import crawl
from allbrains.errors import ConfigurationError, SourceError
from allbrains.sources.bids_folder import BidsFolder


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("bids")
    for dataset in ("b", "a"):
        lines = ["participant_id\tage\tsex"]
        for number in range(1, 7):
            image = root / f"{dataset}/sub-{number}/anat/sub-{number}_T1w.nii"
            image.parent.mkdir(parents=True)
            image.write_bytes(f"{dataset}{number}".encode() * 5000)
            lines.append(f"sub-{number}\t{10 * number}\t{'FM'[number % 2]}")
        (root / dataset / "participants.tsv").write_text("\n".join(lines))
        (root / dataset / "dataset_description.json").write_text(
            f'{{"Name": "{dataset}!", "License": "CC0"}}'
        )
    return root


@pytest.fixture(scope="module")
def found(folder):
    return crawl(BidsFolder(folder))


def names(table):
    return [f"{row['dataset']}{row['subject']}" for row in table.to_pylist()]


def test_without_conditions_all_in_order(found):
    assert names(catalogue.select(found)) == [f"{d}{n}" for d in "ab" for n in range(1, 7)]
    assert catalogue.select(found).schema.equals(found.scans.schema, check_metadata=True)


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("age_years BETWEEN 25 AND 45 AND dataset = 'a'", ["a3", "a4"]),
        ("sex = 'female' and age_years > 50", ["a6", "b6"]),
        ("dataset_name = 'b!' AND subject IN ('1', '5') AND license = 'CC0'", ["b1", "b5"]),
        ('"group" IS NULL AND age_years < 15', ["a1", "b1"]),
        ("false", []),
        ("age_years > 55 -- the old", ["a6", "b6"]),
        (" ", [f"{d}{n}" for d in "ab" for n in range(1, 7)]),
    ],
)
def test_conditions(found, where, expected):
    assert names(catalogue.select(found, where=where)) == expected


def test_limit_and_datasets(found):
    assert names(catalogue.select(found, datasets=("b",), limit=2)) == ["b1", "b2"]
    assert names(catalogue.select(found, where="age_years >= 50", limit=3)) == ["a5", "a6", "b5"]
    with pytest.raises(ConfigurationError, match="not in the catalogue: c"):
        catalogue.select(found, datasets=("a", "c"))


@pytest.mark.parametrize(
    "where",
    [
        "agee > 3",
        "age_years >",
        "1 = 1) ; DROP TABLE scans ; SELECT (1 = 1",
        "path IN (SELECT content FROM read_text('/etc/hostname'))",
        "1 IN (SELECT 1 FROM '/etc/hostname')",
        "size > 'x'",
        "group = 'patient'",
    ],
)
def test_bad_conditions_name_the_columns(found, where):
    for use in (lambda: catalogue.select(found, where=where), lambda: catalogue.check(where)):
        with pytest.raises(ConfigurationError, match=r"can't be used|one condition") as caught:
            use()
        assert "age_years" in str(caught.value)
        assert "\n" not in str(caught.value).replace(repr(where), "")


def test_a_condition_can_be_checked_before_there_is_a_catalogue():
    catalogue.check("age_years > 3 AND license = 'CC0'")
    catalogue.check("")


def test_what_is_not_a_catalogue(found, tmp_path):
    with pytest.raises(ConfigurationError, match="no catalogue"):
        catalogue.read(tmp_path)
    catalogue.write(found, tmp_path)
    (tmp_path / "scans.parquet").write_bytes(b"PAR1")
    with pytest.raises(SourceError, match=r"scans.parquet can't be read"):
        catalogue.read(tmp_path)


def test_a_half_old_catalogue_is_noticed(found, folder, tmp_path):
    catalogue.write(found, tmp_path)
    kept = (tmp_path / "scans.parquet").read_bytes()
    catalogue.write(crawl(BidsFolder(folder, datasets=("a",))), tmp_path)
    (tmp_path / "scans.parquet").write_bytes(kept)
    with pytest.raises(SourceError, match="different crawls"):
        catalogue.read(tmp_path)


def test_the_same_catalogue_is_the_same_bytes(found, tmp_path):
    for name in ("one", "two"):
        catalogue.write(found, tmp_path / name)
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes()
