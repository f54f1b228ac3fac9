"""Bytes on the wire that one dataset's owner may have chosen: the others come out, that one is told."""

from __future__ import annotations

import json
from dataclasses import replace
from urllib.parse import urlsplit

import pytest

from allbrains import sandbox
from allbrains.catalogue import catalogue
from allbrains.catalogue.crawl import crawl
from allbrains.sandbox.simulated import SimulatedArchive
from allbrains.sources.openneuro import Endpoints, OpenNeuro
from allbrains.sources.snapshot import Exclusion
from allbrains.testing.hostile_wire import TOKENS, Mutations, between
from allbrains.text import DEEPEST_JSON, json_of, shallow, whole_characters
from allbrains.transfer import Client
from tests.sources.fake_openneuro import FakeOpenNeuro, answer, file

FILES = [file("README"), file("sub-01/anat/sub-01_T1w.nii.gz")]
# every kind of token, and what the fuzzer (bench/fuzz_wire.py) found
SEEDS = range(24)


@pytest.fixture(scope="module")
def server():
    archive = SimulatedArchive(5, seed=3)
    archive.prepare()
    with sandbox.serve(archive) as running:
        yield running


def found_at(api, bucket, cache):
    ends = Endpoints(api=api, bucket=bucket)
    client = Client(replace(ends.network(), wait_s=0.0, attempts=2))
    try:
        return crawl(OpenNeuro(client, ends, cache=cache))
    finally:
        client.close()


@pytest.fixture(scope="module")
def honest(server, tmp_path_factory):
    found = found_at(server.api, server.bucket, tmp_path_factory.mktemp("honest"))
    assert found.scans.num_rows
    return found


def rows_but(found, victim, columns=("dataset", "path", "digest", "age_years", "sex")):
    return [row for row in found.scans.select(list(columns)).to_pylist() if row["dataset"] != victim]


@pytest.mark.parametrize("seed", SEEDS)
def test_the_innocent_come_out_and_the_other_is_told(seed, server, honest, tmp_path):
    victim = honest.scans["dataset"][0].as_py()
    mutations = Mutations(victim=victim, seed=seed)
    address = urlsplit(server.api)
    with between(f"http://{address.netloc}", mutations) as front:
        bucket = f"{front}{urlsplit(server.bucket).path}"
        found = found_at(f"{front}{address.path}", bucket, tmp_path / "cache")
    assert rows_but(found, victim) == rows_but(honest, victim), mutations.done
    names = {*found.datasets["dataset"].to_pylist(), *found.exclusions["dataset"].to_pylist()}
    others = {*honest.datasets["dataset"].to_pylist()} - {victim}
    assert others < names, mutations.done  # and the victim, by whatever name
    catalogue.write(found, tmp_path / "catalog")
    assert catalogue.read(tmp_path / "catalog").scans.num_rows == found.scans.num_rows
    assert (
        catalogue.select(found, where="age_years > 0 or age_years is null").num_rows == found.scans.num_rows
    )


@pytest.mark.parametrize("token", TOKENS, ids=lambda token: repr(token[:24]))
@pytest.mark.parametrize("place", ["Name", "id", "tag", "size", "filename", "urls"])
def test_each_value_in_each_place(token, place, tmp_path):
    def tamper(operation, variables, number, honest):
        text = json.dumps(honest).encode()
        if operation.lower() == "list":
            _, start, end = text.partition(b'"id": "ds000002"')
            rest = place_in(end, place, token) if place in ("Name", "tag", "size") else end
            start = b'"id": ' + token if place == "id" else start
            text = text.partition(b'"id": "ds000002"')[0] + start + rest
        elif variables.get("dataset") == "ds000002":
            text = place_in(text, place, token)
        return replace(answer({}), body=text)

    fake = FakeOpenNeuro(dict.fromkeys(("ds000001", "ds000002", "ds000003"), FILES), tamper)
    fake.network = replace(fake.network, wait_s=0.0, attempts=1)
    found = crawl(OpenNeuro(fake, Endpoints(), cache=tmp_path))
    assert {"ds000001", "ds000003"} <= {*found.datasets["dataset"].to_pylist()}
    assert {"ds000001", "ds000003"} <= {*found.scans["dataset"].to_pylist()}
    told = [row for row in found.exclusions.to_pylist() if not row["path"]]
    assert "ds000002" in found.scans["dataset"].to_pylist() or told
    catalogue.write(found, tmp_path / "catalog")


def place_in(text, name, token):
    """Return a JSON text with another value behind the first key of a name."""
    head, key, rest = text.partition(f'"{name}": '.encode())
    if not key:
        return text
    _, end = json.JSONDecoder().raw_decode(rest.decode())
    return head + key + token + rest[end:]


def test_a_dataset_whose_reading_fails_in_any_way_is_a_row(tmp_path):
    def harmonise(dataset, files, **told):
        if dataset == "ds000002":
            raise ZeroDivisionError("a table without rows \ud83d")
        return harmonised(dataset, files, **told)

    from allbrains.participants import harmonise as harmonised

    fake = FakeOpenNeuro(dict.fromkeys(("ds000001", "ds000002", "ds000003"), FILES))
    found = crawl(OpenNeuro(fake, Endpoints(), cache=tmp_path), harmonise=harmonise)
    assert {*found.scans["dataset"].to_pylist()} == {"ds000001", "ds000003"}
    (row,) = found.missing
    assert (row["dataset"], row["reason"]) == ("ds000002", Exclusion.LISTING_FAILED)
    assert "ZeroDivisionError: a table without rows" in row["evidence"]
    assert "(in catalogue/read_dataset:" in row["evidence"]


def test_many_bad_datasets_in_a_row_are_no_outage(tmp_path):
    def harmonise(dataset, files, **told):
        raise ValueError("bad")

    names = [f"ds{number:06}" for number in range(20)]
    found = crawl(
        OpenNeuro(FakeOpenNeuro(dict.fromkeys(names, FILES)), Endpoints(), cache=tmp_path),
        harmonise=harmonise,
    )
    assert len(found.missing) == 20


def test_a_full_disk_is_everybodys_affair(tmp_path):
    def harmonise(dataset, files, **told):
        raise OSError(28, "No space left on device")

    fake = FakeOpenNeuro({"ds000001": FILES})
    with pytest.raises(OSError, match="No space"):
        crawl(OpenNeuro(fake, Endpoints(), cache=tmp_path), harmonise=harmonise)


@pytest.mark.parametrize("text", ['"\\ud83d"', '"\\\\ud83d"', '"\\ud83d\\ude00"', '["\\ude00", "\\ud83dx"]'])
def test_half_characters_are_mended_and_whole_ones_kept(text):
    told = json.loads(whole_characters(text))
    json.dumps(told, ensure_ascii=False).encode()
    if "\\ud83d\\ude00" in text or "\\\\u" in text:
        assert told == json.loads(text)


def test_nesting_is_cut_where_it_is_too_deep_and_nowhere_else():
    deep = "[" * 5000 + "1" + "]" * 5000
    text = f'{{"a": {deep}, "b": "[[[{{", "c": [1, [2]]}}'
    told = json_of(shallow(text))
    assert (told["b"], told["c"]) == ("[[[{", [1, [2]])
    fine = "[" * DEEPEST_JSON + "]" * DEEPEST_JSON
    assert shallow(fine) == fine
    with pytest.raises(ValueError, match="levels"):
        json_of(f"[{fine}]")
    with pytest.raises(ValueError, match="without end"):
        json_of(deep * 50)
