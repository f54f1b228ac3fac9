"""A folder holds one recipe on one grid, and says so."""

import json
from dataclasses import replace

import pytest

from allbrains.errors import ConfigurationError, CorpusError
from allbrains.store.layout import Layout
from allbrains.store.manifest import FORMAT_VERSION, claim, parse, read
from allbrains.testing.corpora import corpus


def test_parse_of_text_is_the_identity(tmp_path):
    assert parse(corpus().to_json(), tmp_path) == corpus()


def test_the_second_claim_changes_nothing(tmp_path):
    layout = Layout(tmp_path / "out")
    claim(layout, corpus())
    before = layout.manifest.read_bytes()
    claim(layout, corpus())
    assert layout.manifest.read_bytes() == before
    assert read(layout) == corpus()


def test_another_recipe_or_grid_needs_another_folder(tmp_path):
    layout = Layout(tmp_path)
    claim(layout, corpus())
    with pytest.raises(ConfigurationError, match=r"holds the recipe 'tiny' .* use another --out"):
        claim(layout, replace(corpus(), fingerprint="0" * 16))
    steps = json.dumps([{"step": "canonical", "version": 2}])
    with pytest.raises(ConfigurationError, match=r"they differ in canonical: use another --out"):
        claim(layout, replace(corpus(), fingerprint="0" * 16, steps=steps))
    with pytest.raises(ConfigurationError, match=r"grid \(16, 20, 18\) .* use another --out"):
        claim(layout, corpus(shape=(8, 10, 9)))


def test_a_later_format_is_refused(tmp_path):
    text = corpus().to_json().replace(f'"format_version": {FORMAT_VERSION}', '"format_version": 99')
    with pytest.raises(ConfigurationError, match=r"format 99.*upgrade"):
        parse(text, tmp_path / "allbrains.json")


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", json.dumps({"format_version": FORMAT_VERSION})])
def test_a_broken_manifest_is_told(tmp_path, text):
    with pytest.raises(CorpusError, match=r"allbrains\.json"):
        parse(text, tmp_path / "allbrains.json")


def test_no_corpus(tmp_path):
    with pytest.raises(ConfigurationError, match="no corpus"):
        read(Layout(tmp_path / "nothing"))
