"""Contract tests for steps, metrics and sources: subclass one in a test file and say how yours is made.

    class TestSharpness(StepContract):
        def step(self):
            return Sharpness()

        def case(self):
            return Case(images={"t1w": t1w, "mask": mask}, numbers={"wm_centre_raw": 100.0})

pytest then runs every law on it. The package's own steps, metrics and sources are held to the same.
"""

from __future__ import annotations

import json
import math
import re
import tempfile
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import fields, replace
from pathlib import Path, PurePosixPath
from typing import Any

import msgspec
import numpy as np

from allbrains.case import Case
from allbrains.metrics import Metric
from allbrains.recipe import Equipped, Step, describe
from allbrains.records import Array, Volume
from allbrains.sources.snapshot import Absent, Entry, Listing, Snapshot, Source
from allbrains.sources.which_files import scans_in
from allbrains.store.sample_schema import INTEGERS
from allbrains.transfer import Client, Network, fetch

_COLUMN = re.compile(r"[a-z][a-z0-9_]{0,63}\Z")  # what a column of the samples table may be called


class StepContract:
    """Laws of a step. Override ``step`` and ``case``."""

    def step(self) -> Step:
        """Return the step, with the settings to be tried."""
        raise NotImplementedError("say which step is tried")

    def case(self) -> Case:
        """Return a case that the step can work on; small, for it is worked on several times."""
        raise NotImplementedError("say what the step is tried on")

    def test_it_is_a_frozen_dataclass_with_a_name_and_a_version(self) -> None:
        """A step can't change while it works; its name and its version are what a recipe knows it by."""
        see_frozen(self.step())
        assert _COLUMN.match(self.step().name), f"{self.step().name!r} is no name: letters, digits, _"

    def test_its_settings_come_back_from_a_recipe_file(self) -> None:
        """Settings are numbers, texts, truth values and tuples of them, as TOML has them."""
        told = json.loads(json.dumps(describe(self.step())["settings"]))
        # what only says where something is stays out of the fingerprint, and keeps its default
        again = msgspec.convert(told, type(self.step()))
        assert describe(again) == describe(self.step())

    def test_every_setting_counts_in_the_fingerprint(self) -> None:
        """Two corpora made with different settings are never taken for one."""
        step = self.step()
        before = _fingerprint(step)
        for one in fields(step):  # type: ignore[arg-type]
            value = getattr(step, one.name)
            other = (not value) if isinstance(value, bool) else value + 1 if _is_number(value) else None
            if other is None:
                continue
            changed = replace(step, **{one.name: other})  # type: ignore[type-var]
            counts = one.metadata.get("fingerprint", True)
            assert (_fingerprint(changed) != before) == counts, f"the setting {one.name} does not count"

    def test_it_gives_what_it_says(self) -> None:
        """What later steps may ask for is there: each of ``gives`` is an image or a warp of the case."""
        given = self.step()(self.case())
        known = {*given.images, *given.warps}
        assert set(self.step().needs) <= {*self.case().images, *self.case().warps}
        assert set(self.step().gives) <= known, f"it gives {sorted(known)}"

    def test_what_it_gives_can_be_stored(self) -> None:
        """Images are numbers on a grid with an affine; numbers and texts are plain, with a column's name."""
        before, given = self.case(), self.step()(self.case())
        for name, volume in given.images.items():
            assert volume.array.ndim in (3, 4), name
            assert volume.array.dtype.kind in "fb" or volume.array.dtype.name in INTEGERS, name
            assert volume.affine.shape == (4, 4), name
            assert abs(np.linalg.det(volume.affine[:3, :3])) > 0, name
        numbers = {name: value for name, value in given.numbers.items() if name not in before.numbers}
        see_numbers(numbers)
        for name, text in given.texts.items():
            assert _COLUMN.match(name), name
            assert isinstance(text, str), name

    def test_it_leaves_the_case_as_it_was(self) -> None:
        """A step returns a richer case; what it was given is still what it was."""
        case = self.case()
        kept = deepcopy(case)
        self.step()(case)
        see_equal(case, kept)

    def test_the_same_case_gives_the_same_bytes(self) -> None:
        """A corpus that is built again is the same, byte for byte."""
        see_equal(self.step()(self.case()), self.step()(self.case()))

    def test_what_it_lacks_can_be_told(self) -> None:
        """A step with needs of its own says what is missing here, and how to get it."""
        step = self.step()
        if isinstance(step, Equipped):
            for lack in step.missing():
                assert lack.what
                assert lack.remedy


class MetricContract:
    """Laws of a metric. Override ``metric`` and ``case``."""

    def metric(self) -> Metric:
        """Return the metric."""
        raise NotImplementedError("say which metric is tried")

    def case(self) -> Case:
        """Return a case that it can measure."""
        raise NotImplementedError("say what the metric is tried on")

    def test_it_is_a_frozen_dataclass_with_a_name_and_a_version(self) -> None:
        """A metric can't change; its version is raised when its numbers change."""
        see_frozen(self.metric())

    def test_its_numbers_are_plain_and_have_a_columns_name(self) -> None:
        """They become columns of the samples table: Python's floats, NaN where there is no number."""
        found = self.metric()(self.case())
        assert found
        see_numbers(found)

    def test_the_same_case_gives_the_same_numbers(self) -> None:
        """Nothing random, no clock."""
        one, other = self.metric()(self.case()), self.metric()(self.case())
        assert _comparable(one) == _comparable(other)

    def test_it_leaves_the_case_as_it_was(self) -> None:
        """Measuring changes nothing."""
        case = self.case()
        kept = deepcopy(case)
        self.metric()(case)
        see_equal(case, kept)

    def test_it_gives_the_same_names_for_every_case(self) -> None:
        """A column that is there for one scan is there for all; where there is no number, it is NaN."""
        case = self.case()
        names = set(self.metric()(case))
        if "t1w" in case.images:
            t1w = case.images["t1w"]
            darker = Volume(array=t1w.array * np.float32(0.25), affine=t1w.affine)
            case = case.plus(images={"t1w": darker})
        assert set(self.metric()(case)) == names


class SourceContract:
    """Laws of a source of scans. Override ``source`` and ``network``; it needs one dataset with a scan."""

    def source(self) -> Source:
        """Return the source, ready to be asked."""
        raise NotImplementedError("say which source is tried")

    def network(self) -> Network:
        """Return what fetching its files may ask."""
        raise NotImplementedError("say where its files may be fetched from")

    def test_it_lists_each_dataset_once(self) -> None:
        """One version of each dataset; what could not be described is reported beside it."""
        found = self.source().snapshots()
        names = [snapshot.dataset for snapshot in found.snapshots]
        assert names
        assert len(set(names)) == len(names)
        assert all(row.dataset not in names for row in found.excluded if not row.path)

    def test_the_same_question_has_the_same_answer(self) -> None:
        """A second crawl of what has not changed finds nothing new."""
        source = self.source()
        assert source.snapshots() == source.snapshots()
        assert _listings(source) == _listings(source)

    def test_paths_are_inside_the_dataset_and_each_is_listed_once(self) -> None:
        """Forward slashes, no way out, no double."""
        for listing in _listings(self.source()):
            paths = [entry.path for entry in listing.entries]
            assert len(set(paths)) == len(paths)
            assert listing.files >= len(paths)
            for path in map(PurePosixPath, paths):
                assert not path.is_absolute()
                assert ".." not in path.parts

    def test_what_it_lists_can_be_fetched_and_is_what_it_says(self) -> None:
        """The bytes have the published size and digest, by one of the addresses that the network allows."""
        client, fetched = Client(self.network()), 0
        try:
            for listing in _listings(self.source()):
                for scan in scans_in(listing)[0][:1]:
                    assert scan.urls
                    with tempfile.TemporaryDirectory() as folder:
                        target = Path(folder) / "scan"
                        fetch(scan.urls, size=scan.size, digest=scan.digest, target=target, client=client)
                        assert target.stat().st_size == scan.size
                    fetched += 1
        finally:
            client.close()
        assert fetched, "no dataset has a scan that could be fetched"

    def test_small_files_are_read_and_one_that_is_not_there_keeps_back_no_other(self) -> None:
        """Texts come verified; what could not be read is named with the reason."""
        source = self.source()
        for listing in _listings(source):
            tables = [entry for entry in listing.entries if entry.path == "participants.tsv"]
            gone = [_gone(entry) for entry in tables]
            texts = source.read(listing.snapshot, [*tables, *gone])
            assert {*texts.files} == {entry.path for entry in tables}
            assert all(len(texts.files[entry.path]) == entry.size for entry in tables)
            assert {one.path for one in texts.unread} == {entry.path for entry in gone}

    def test_it_says_what_became_of_a_dataset(self) -> None:
        """One that is there is described; one that is not is absent, with evidence."""
        source = self.source()
        first = source.snapshots().snapshots[0]
        assert isinstance(source.whereabouts(first.dataset), Snapshot)
        absent = source.whereabouts("no-such-dataset")
        assert isinstance(absent, Absent)
        assert absent.evidence

    def test_it_has_a_name_of_its_own(self) -> None:
        """Two sources with one name list the same datasets: caches are kept by it."""
        assert self.source().name
        assert self.source().name == self.source().name


def see_frozen(plug: Step | Metric) -> None:
    """See that a step or a metric is a frozen dataclass with a name and a version."""
    kind: Any = type(plug)
    assert hasattr(kind, "__dataclass_params__"), f"{kind.__name__} is no dataclass"
    assert kind.__dataclass_params__.frozen, f"{kind.__name__} is not frozen"
    assert isinstance(plug.name, str)
    assert plug.version >= 1


def see_numbers(numbers: Mapping[str, float]) -> None:
    """See that numbers are Python's own floats, each with the name of a column."""
    for name, value in numbers.items():
        assert _COLUMN.match(name), f"{name!r} is no name of a column"
        assert type(value) is float, f"{name} is {type(value).__name__}, expected float"


def see_equal(one: Case, other: Case) -> None:
    """See that two cases are the same, byte for byte."""
    assert [*one.images] == [*other.images]
    assert [*one.warps] == [*other.warps]
    for name, volume in one.images.items():
        _see_same(name, volume.array, other.images[name].array)
        _see_same(name, volume.affine, other.images[name].affine)
    for name, warp in one.warps.items():
        for part in ("affine", "displacement", "grid_affine"):
            _see_same(f"{name}.{part}", getattr(warp, part), getattr(other.warps[name], part))
    assert _comparable(one.numbers) == _comparable(other.numbers)
    assert one.texts == other.texts


def _see_same(name: str, one: Array, other: Array) -> None:
    assert one.dtype == other.dtype, name
    assert one.shape == other.shape, name
    assert np.ascontiguousarray(one).tobytes() == np.ascontiguousarray(other).tobytes(), name


def _comparable(numbers: Mapping[str, float]) -> dict[str, float | str]:
    """Return numbers of which NaN equals NaN."""
    return {name: "nan" if math.isnan(value) else value for name, value in numbers.items()}


def _is_number(value: object) -> bool:
    return isinstance(value, int | float)


def _fingerprint(step: Step) -> str:
    return json.dumps(describe(step), sort_keys=True)


def _gone(entry: Entry) -> Entry:
    """Return an entry for a file of other bytes, at addresses where nothing is."""
    digest = entry.digest and replace(entry.digest, hexdigest=entry.digest.hexdigest[::-1])
    urls = tuple(f"{url.partition('?')[0]}.gone" for url in entry.urls)
    return replace(entry, path="gone.tsv", digest=digest, urls=urls)


def _listings(source: Source) -> list[Listing]:
    return [source.listing(snapshot) for snapshot in source.snapshots().snapshots]
