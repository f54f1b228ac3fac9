"""What may be public, and how datasets are cited: pure rules."""

import re

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from allbrains.publish import card_text, citing, reuse_terms
from allbrains.publish.source_datasets import Origin, origin_of, versioned_doi


def origin(spdx="CC0-1.0", **changes):
    return Origin(
        **{"dataset": "ds000011", "snapshot": "1.0.0", "name": "A study", "spdx": spdx, "archived": True}
        | changes
    )


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({}, ""),
        ({"spdx": "PDDL-1.0"}, ""),
        ({"spdx": "CC-BY-NC-SA-4.0"}, ""),
        ({"spdx": "CC-BY-NC-ND-4.0"}, "forbids passing on"),
        ({"spdx": "Proprietary"}, "not known to allow"),
        ({"spdx": ""}, "no licence is stated"),
        ({"spdx": "", "license": "ask me"}, "'ask me' names none"),
        ({"defaced": False}, "faces were not removed"),
        ({"defaced": False, "consent": True}, ""),
        ({"defaced": None, "archived": False}, "nobody affirms"),
        ({"deprecated": "wrong subject"}, "withdrew this version: wrong subject"),
    ],
)
def test_who_may_see_it(changes, why):
    found = reuse_terms.hindrances(origin(**changes))
    assert bool(found) == bool(why)
    assert why in "; ".join(found)


def test_a_publisher_can_affirm_that_faces_were_removed_but_no_licence():
    bad = origin(spdx="", defaced=None, archived=False)
    assert reuse_terms.hindrances(bad, ["ds000011"]) == ["no licence is stated"]


def test_the_licence_of_the_whole():
    assert reuse_terms.licence_of([origin(), origin()]) == "cc0-1.0"
    assert reuse_terms.licence_of([origin(), origin("PDDL-1.0")]) == "other"
    assert reuse_terms.licence_of([origin("")]) == "other"
    assert "no commercial use" in reuse_terms.verdict_of([origin(), origin("CC-BY-NC-4.0")])
    assert "not to be passed on" in reuse_terms.verdict_of([origin(), origin("")])
    assert "no conditions" in reuse_terms.verdict_of([origin(), origin("PDDL-1.0")])


@pytest.mark.parametrize(
    ("written", "archived", "doi"),
    [
        ("doi:10.18112/openneuro.ds000011.v0.9.0", True, "10.18112/openneuro.ds000011.v1.0.0"),
        ("https://doi.org/10.18112/openneuro.ds000011.v1.0.0", False, "10.18112/openneuro.ds000011.v1.0.0"),
        ("", True, "10.18112/openneuro.ds000011.v1.0.0"),
        ("", False, ""),
        ("10.5281/zenodo.123", True, "10.5281/zenodo.123"),
        ("none yet", True, ""),
        ("10.1234/a b} evil", True, ""),
    ],
)
def test_the_doi_is_that_of_the_version(written, archived, doi):
    assert versioned_doi("ds000011", "1.0.0", written, archived) == doi


def test_a_phantom_of_a_local_server_gets_no_doi_of_openneuro():
    assert origin_of("ds900001", "1.0.0", {"source": "http://127.0.0.1:8000/crn/graphql"}).doi == ""


names = st.text(max_size=40)
unhurried = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])


@unhurried
@given(name=names, author=names)
def test_no_name_breaks_out_of_bibtex(name, author):
    text = citing.bibliography([origin(name=name, authors=(author,))], [])
    depth, lowest = 0, 0
    for character in text:
        depth += {"{": 1, "}": -1}.get(character, 0)
        lowest = min(lowest, depth)
    assert (depth, lowest) == (0, 0)
    assert re.findall(r"^@\w+\{", text, re.M) == ["@misc{", "@misc{"]


@unhurried
@given(name=names, author=names)
def test_the_citation_file_says_in_yaml_what_was_written(name, author):
    told = yaml.safe_load(citing.citation_file("x", [origin(name=name, authors=(author,))], []))
    reference = told["references"][0]
    assert reference["title"] == (card_text.one_line(name) or "ds000011")
    assert reference["authors"] == [{"name": card_text.one_line(author) or "The authors of ds000011"}]


@unhurried
@given(st.text(max_size=60))
def test_markdown_has_no_tag_link_or_cell_of_a_strangers(text):
    shown = card_text.markdown(text)
    assert "\n" not in shown
    assert not re.search(r"(?<!\\)[<>|\[\]`]", shown)


def test_a_face_that_was_found_contradicts_who_says_it_was_removed():
    one, other = origin(defaced=True), origin(dataset="ds000012", defaced=True)
    found = reuse_terms.refusals([one, other], ("ds000011",), {"ds000011": 3})
    assert len(found) == 1
    assert "ds000011 1.0.0: 3 of its scans have a face" in found[0]
    assert reuse_terms.refusals([origin(consent=True)], (), {"ds000011": 3}) == []
