"""Each known misbehaviour at one tenth of a small synthetic OpenNeuro: the same catalogue, or told."""

from dataclasses import replace

import pytest

from allbrains import sandbox
from allbrains.catalogue.crawl import crawl
from allbrains.sandbox.faults.registry import FAULTS
from allbrains.sandbox.simulated import SimulatedArchive
from allbrains.sources.openneuro import Endpoints, OpenNeuro
from allbrains.testing.catalogues import silent, untold
from allbrains.transfer import Client
from tests.catalogue.test_faults import patience

# columns in which these faults make the source itself tell something else
ALTERED = {"duplicate-key": ("scan_id", "digest", "digest_group", "copies", "size")}
# the draw of this seed hits datasets with scans with each of these, and none may lose one
LOSING = {"truncated-tree", "thinned-tree", "truncated-listing", "empty-listing", "not-found"}


@pytest.fixture(scope="module")
def archive():
    simulated = SimulatedArchive(24, seed=6)
    simulated.prepare()
    return simulated


def run(archive, cache, *switches):
    with sandbox.serve(archive, switches=switches, seed=0) as server:
        ends = Endpoints(api=server.api, bucket=server.bucket)
        network = replace(ends.network(), wait_s=0.0, **patience(*switches))
        source = OpenNeuro(Client(network), ends, cache=cache)
        found = crawl(source)
        source.client.close()
        return found, server


@pytest.fixture(scope="module")
def honest(archive, tmp_path_factory):
    found = run(archive, tmp_path_factory.mktemp("honest"))[0]
    assert found.scans.num_rows > 100
    assert found.missing == []
    return found


@pytest.mark.parametrize("name", sorted(FAULTS))
def test_the_same_catalogue_or_each_difference_told(name, archive, honest, tmp_path):
    found, server = run(archive, tmp_path, f"{name}:0.1")
    assert untold(honest, found, altered=ALTERED.get(name, ())) == []
    assert not silent(honest, found)
    if name in LOSING:
        assert server.faults.counts()[name] > 0
        assert found.scans.select(["dataset", "path", "size"]) == honest.scans.select(
            ["dataset", "path", "size"]
        )


def test_the_law_sees_what_is_lost_or_made_up(honest):
    fewer = replace(honest, scans=honest.scans.slice(1))
    assert len(untold(honest, fewer)) == 1
    assert silent(honest, fewer)
    assert len(untold(fewer, honest)) == 1
    number = honest.scans.schema.get_field_index("digest")
    other = honest.scans.set_column(number, "digest", [["md5:" + "0" * 32] * honest.scans.num_rows])
    assert len(untold(honest, replace(honest, scans=other))) == honest.scans.num_rows
