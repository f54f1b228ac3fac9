"""The laws of the pure parts: ranges, listing pages, tree ids, facts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from allbrains.sandbox import dataset_texts, listing_rows, s3_list
from allbrains.sandbox.archive import Digests, object_hash, object_id, version_id
from allbrains.sandbox.byte_range import Span, Unsatisfiable, span

NAMES = st.text("ab/é", min_size=1, max_size=6)


@given(st.integers(1, 50), st.integers(0, 60), st.integers(0, 60))
def test_a_range_is_a_slice(size, first, last):
    content = bytes(range(size))
    header = f"bytes={first}-{last}"
    if last < first:
        assert span(header, size) == Span(start=0, stop=size, partial=False)
    elif first >= size:
        with pytest.raises(Unsatisfiable):
            span(header, size)
    else:
        found = span(header, size)
        assert found.partial
        assert content[found.start : found.stop] == content[first : last + 1]


@given(st.integers(1, 50), st.integers(1, 60))
def test_a_suffix_and_an_open_range_are_slices(size, count):
    content = bytes(range(size))
    tail = span(f"bytes=-{count}", size)
    assert content[tail.start : tail.stop] == content[-count:]
    if count < size:
        rest = span(f"bytes={count}-", size)
        assert content[rest.start : rest.stop] == content[count:]


@pytest.mark.parametrize("header", ["", "bytes=-", "bytes=0-1,3-4", "lines=0-1", "bytes=a-b", "bytes 0-1"])
def test_what_is_no_single_range_asks_for_the_whole(header):
    assert span(header, 9) == Span(start=0, stop=9, partial=False)


@pytest.mark.parametrize(("header", "size"), [("bytes=0-", 0), ("bytes=-0", 9), ("bytes=9-", 9)])
def test_a_range_without_a_byte_is_unsatisfiable(header, size):
    with pytest.raises(Unsatisfiable):
        span(header, size)


@given(st.sets(NAMES), st.sampled_from(["", "/"]), st.text("ab/", max_size=2), st.integers(1, 5))
def test_joined_pages_are_one_large_page(names, delimiter, prefix, max_keys):
    keys = sorted(names, key=str.encode)
    whole = s3_list.page(keys, s3_list.Asked(prefix=prefix, delimiter=delimiter))
    found, prefixes, after, pages = (), (), "", 0
    while after or not pages:
        asked = s3_list.Asked(prefix=prefix, delimiter=delimiter, max_keys=max_keys, after=after)
        part = s3_list.page(keys, asked)
        assert len(part.keys) + len(part.prefixes) == max_keys or not part.last
        found, prefixes, pages = found + part.keys, prefixes + part.prefixes, pages + 1
        after = s3_list.after_token(s3_list.token(part.last))
    assert (found, prefixes) == (whole.keys, whole.prefixes)


@given(st.sets(NAMES), st.text("ab/", max_size=2))
def test_every_key_is_listed_itself_or_under_one_common_prefix(names, prefix):
    whole = s3_list.page(sorted(names, key=str.encode), s3_list.Asked(prefix=prefix, delimiter="/"))
    for name in names:
        places = (name in whole.keys) + sum(name.startswith(common) for common in whole.prefixes)
        assert places == name.startswith(prefix)
    assert len(set(whole.prefixes)) == len(whole.prefixes)


def test_no_keys_asked_for_are_no_keys_and_no_next_page():
    assert s3_list.page(["a", "b"], s3_list.Asked(max_keys=0)) == s3_list.Page(keys=(), prefixes=(), last="")


def entry(path, object_id="0" * 40):
    return listing_rows.ListingRow(path=path, size=0, object_id=object_id, annexed=False, version="v")


def test_trees_with_the_same_content_have_the_same_id_and_only_those():
    ids = listing_rows.tree_ids([entry(path) for path in ("a/x/1", "b/x/1", "c/x/2", "d/1", "e/x/1", "e/2")])
    assert set(ids) == {"", "a", "b", "c", "d", "e", "a/x", "b/x", "c/x", "e/x"}
    assert ids["a"] == ids["b"]
    assert ids["a/x"] == ids["b/x"] == ids["e/x"] == ids["d"]
    assert len({ids["a"], ids["c"], ids["d"], ids["e"], ids[""]}) == 5
    assert listing_rows.tree_ids([]).keys() == {""}


@pytest.mark.parametrize(
    ("path", "extension"),
    [
        ("sub-1/anat/sub-1_T1w.nii.gz", ".nii.gz"),
        ("a.b/c", ""),
        ("scan.v2.final.nii", ".nii"),
        ("x.label", ""),
        ("x.surf.gii", ".surf.gii"),
    ],
)
def test_an_annex_key_keeps_the_extension(path, extension):
    digest = object_hash("ds000001", path, 2_000_000)
    assert object_id(path, 2_000_000, digest) == f"MD5E-s2000000--d41d8cd98f00b204e9800998ecf8427e{extension}"


@given(st.text(max_size=5), st.text(max_size=5))
def test_version_ids_tell_contents_and_paths_apart(one, other):
    def version(path, md5):
        return version_id("ds", path, Digests(md5=md5, object_id=""))

    assert (version(one, "m") == version(other, "m")) == (one == other)
    assert (version("p", one) == version("p", other)) == (one == other)


@pytest.mark.parametrize(
    ("text", "tag", "created"),
    [
        ("", "1.0.0", dataset_texts.SOME_DATE),
        ("no version here\n1.0 2011-10-06", "1.0.0", dataset_texts.SOME_DATE),
        ("2.0.1 2016-10-27\n\n  - a\n\n1.0.0 2011-10-06", "2.0.1", "2016-10-27T00:00:00.000Z"),
        ("1.9.0 2016-10-27\n\n1.10.0 2017-01-01\n  - fixes 2.0.0", "1.10.0", "2017-01-01T00:00:00.000Z"),
        ("v1.2.3\n\t- x", "1.2.3", dataset_texts.SOME_DATE),
        ("1.2.3: 2019-01-02\r\n", "1.2.3", "2019-01-02T00:00:00.000Z"),
    ],
)
def test_the_newest_change_is_the_highest_version(text, tag, created):
    assert dataset_texts.newest_change(text) == dataset_texts.Change(tag=tag, created=created)


def test_summary_counts_subjects_outside_derivatives_only():
    found = dataset_texts.summary(
        [
            "sub-01.txt",
            "sub-02/ses-b/anat/sub-02_ses-b_T1w.nii.gz",
            "sub-01/ses-a/func/sub-01_ses-a_task-rest_bold.nii.gz",
            "derivatives/sub-03/ses-c/eeg/sub-03_task-x_eeg.edf",
        ]
    )
    assert found == {
        "subjects": ["01", "02"],
        "sessions": ["a", "b"],
        "tasks": ["rest"],
        "modalities": ["mri"],
        "primaryModality": "mri",
        "secondaryModalities": ["mri_structural", "mri_functional"],
    }


@pytest.mark.parametrize("text", ["", "[]", "{", '"x"'])
def test_a_broken_description_still_has_what_the_schema_demands(text):
    found = dataset_texts.description(text, "ds000001")
    assert (found["Name"], found["BIDSVersion"], found["Authors"]) == ("ds000001", "", [])


def test_an_age_that_is_no_number_is_none():
    lines = ["participant_id\tage\tgroup"]
    lines += [f"sub-{n}\t{age}\tg" for n, age in enumerate(["35", "4.5", "89+", "n/a", "nan", "inf", ""])]
    found = dataset_texts.subject_metadata("\r\n".join(lines))
    assert [row["age"] for row in found] == [35.0, 4.5, None, None, None, None, None]
    assert [row["participantId"] for row in found] == list("0123456")
    assert dataset_texts.subject_metadata("\ufeffid\tage\nx\t1\n") == dataset_texts.subject_metadata("") == []
