"""What the API does wrong, and what becomes of it: retried, named, never swallowed."""

import json
import re

import graphql
import pytest

from allbrains.errors import SourceError, TransientError
from allbrains.sandbox.graphql_schema import public_schema
from allbrains.sources.openneuro import Endpoints, OpenNeuro, queries
from allbrains.sources.pins import Pin
from allbrains.sources.snapshot import INCOMPLETE, Absence, Departed, Exclusion, Snapshot
from allbrains.transfer import Reply
from tests.sources.fake_openneuro import FakeOpenNeuro, answer, fault, file

FILES = [file("README"), file("participants.tsv"), file("sub-01/anat/sub-01_T1w.nii.gz")]
HTML = Reply(status=502, headers={"content-type": "text/html"}, body=b"<html>")
NAMES = [f"ds{number:06}" for number in range(1, 251)]


@pytest.fixture
def source(tmp_path):
    def make(datasets=("ds000001",), tamper=lambda o, v, n, honest: honest, named=()):
        fake = FakeOpenNeuro(dict.fromkeys(datasets, FILES), tamper)
        return OpenNeuro(fake, Endpoints(), cache=tmp_path, datasets=named), fake

    return make


def once(told, operation=None):
    """The first answer to each question is ``told``, the next ones are honest."""
    return lambda o, v, n, honest: told if n == 0 and operation in (None, o) else honest


def always(told, *operations):
    return lambda o, v, n, honest: told if not operations or o in operations else honest


def test_everything_in_pages_of_a_hundred(source):
    openneuro, fake = source(reversed(NAMES))
    found = openneuro.snapshots()
    assert [snapshot.dataset for snapshot in found.snapshots] == NAMES
    assert found.excluded == ()
    assert len(fake.asked) == 3
    first = found.snapshots[0]
    assert (first.tag, first.license, first.doi, first.authors) == ("1.0.0", "CC0", "", ("B",))
    assert (first.files, first.subjects, first.size) == (3, 1, 2**40)


def test_named_datasets_and_no_others(source):
    openneuro, fake = source(NAMES, named=("ds000007", "ds000003"))
    assert [snapshot.dataset for snapshot in openneuro.snapshots().snapshots] == ["ds000007", "ds000003"]
    assert len(fake.asked) == 2


def test_a_listing_with_its_digests_and_urls(source):
    openneuro, _ = source()
    listing = openneuro.listing(openneuro.snapshots().snapshots[0])
    assert (listing.files, listing.route, listing.excluded) == (3, "recursive", ())
    assert [entry.path for entry in listing.entries] == [row["filename"] for row in FILES]
    assert str(listing.entries[0].digest) == "git-sha1:" + "4" * 40
    assert listing.entries[0].urls[1] == "https://s3.amazonaws.com/openneuro.org/ds000001/README"


def test_a_listing_is_read_once_a_snapshot(source, tmp_path):
    openneuro, _ = source()
    snapshot = openneuro.snapshots().snapshots[0]
    first = openneuro.listing(snapshot)
    again, other = source()
    assert again.listing(snapshot) == first
    assert other.asked == []
    newer = Snapshot(dataset="ds000001", tag="1.0.1", files=3, subjects=1)
    assert again.listing(newer).snapshot == newer
    assert len(other.asked) == 1
    for path in (tmp_path / "listings").iterdir():
        path.write_bytes(path.read_bytes()[:-1])  # a damaged cache is no cache
    assert again.listing(snapshot) == first


NULLS = {"datasets": None, "dataset": None, "snapshot": None}
TRANSIENT = {
    "html-502": HTML,
    "html-504": Reply(status=504, headers={}, body=b""),
    "html-200": Reply(status=200, headers={"content-type": "text/html"}, body=b"<html>"),
    "429": Reply(status=429, headers={"content-type": "text/plain", "retry-after": "0"}, body=b""),
    "broken-json": Reply(status=200, headers={"content-type": "application/json"}, body=b'{"data": {"da'),
    "no-data": answer({"errors": [fault("fetch failed")]}),
    "null-data": answer({"data": None}),
    "fetch-failed": {
        "errors": [fault("fetch failed")],
        "data": {"datasets": None, "dataset": None, "snapshot": None},
    },
    "bare-null": {"data": {"datasets": None, "dataset": None, "snapshot": None}},
    "files-null": {"data": {"datasets": None, "dataset": None, "snapshot": {"files": None}}},
}


@pytest.mark.parametrize("told", TRANSIENT.values(), ids=TRANSIENT)
@pytest.mark.parametrize("named", [(), ("ds000001",)], ids=["all", "named"])
def test_what_may_pass_is_asked_again(source, told, named, tmp_path):
    honest, _ = source(named=named)
    expected = honest.snapshots()
    openneuro, fake = source(tamper=once(told), named=named)
    assert openneuro.snapshots().snapshots == expected.snapshots
    listing = openneuro.listing(expected.snapshots[0])
    assert (len(listing.entries), listing.excluded) == (3, ())
    assert len(fake.asked) == 4


@pytest.mark.parametrize("told", TRANSIENT.values(), ids=TRANSIENT)
def test_what_does_not_pass_ends_with_one_sentence(source, told):
    openneuro, _ = source(tamper=always(told, "List"))
    with pytest.raises(SourceError, match="can't be listed") as caught:
        openneuro.snapshots()
    assert "\n" not in str(caught.value)
    openneuro, _ = source(tamper=always(told, "Files", "Root"))
    with pytest.raises(TransientError):
        openneuro.listing(openneuro.snapshots().snapshots[0])


FINAL = {
    "validation-400": answer(
        {"errors": [fault('Cannot query field "recursive"', code="GRAPHQL_VALIDATION_FAILED")]}, 400
    ),
    "other-shape": {
        "data": {"datasets": {"edges": [], "pageInfo": {"hasNextPage": "no"}}, "snapshot": {"files": 3}}
    },
    "other-urls": {
        "data": {
            "datasets": {"edges": 3},
            "snapshot": {"files": [file("sub-01/anat/sub-01_T1w.nii", urls=[1])]},
        }
    },
    "html-404": Reply(status=404, headers={"content-type": "text/html"}, body=b"<html>"),
}


@pytest.mark.parametrize("told", FINAL.values(), ids=FINAL)
def test_a_changed_api_is_named_at_once(source, told):
    for operation, ask in (("List", lambda o: o.snapshots()), ("Files", lambda o: o.listing(SNAPSHOT))):
        openneuro, fake = source(tamper=always(told, operation))
        with pytest.raises(SourceError, match=r"openneuro.org/crn/graphql"):
            ask(openneuro)
        assert len(set(fake.asked)) == 1


SNAPSHOT = Snapshot(dataset="ds000001", tag="1.0.0", files=3, subjects=1)


def test_a_field_more_is_no_trouble(source):
    def more(operation, variables, number, honest):
        honest["data"]["tomorrow"] = {"x": 1}
        return honest | {"more": []}

    openneuro, _ = source(tamper=more)
    assert len(openneuro.listing(openneuro.snapshots().snapshots[0]).entries) == 3


def test_a_null_edge_is_asked_for_again_and_then_missed_aloud(source):
    def null(times):
        def tamper(operation, variables, number, honest):
            if operation == "List" and number < times and not variables["after"]:
                honest["data"]["datasets"]["edges"][1] = None
                honest["errors"] = [fault("Not Found", "datasets", "edges", 1, "node", "latestSnapshot")]
            return honest

        return tamper

    openneuro, _ = source(NAMES, null(1))
    assert len(openneuro.snapshots().snapshots) == 250
    openneuro, _ = source(NAMES, null(99))
    found = openneuro.snapshots()
    assert (len(found.snapshots), found.excluded, found.lacking) == (249, (), 1)


def test_a_shifted_page_loses_nobody(source):
    """A dataset published during the crawl moves the rest down: one row twice, one more in the count."""
    openneuro, fake = source(NAMES[1:])

    def shift(operation, variables, number, honest):
        if variables.get("after") and len(fake.datasets) == 249:
            fake.datasets = dict.fromkeys(NAMES, FILES)
            return {"data": fake.list(variables)}
        return honest

    fake.tamper = shift
    assert [snapshot.dataset for snapshot in openneuro.snapshots().snapshots] == NAMES


def test_a_cursor_that_goes_round_is_noticed(source):
    def stuck(operation, variables, number, honest):
        honest["data"]["datasets"]["pageInfo"] |= {"hasNextPage": True, "endCursor": "MQ=="}
        return honest

    def restart(fake):
        honest = fake.list
        fake.list = lambda variables: honest(variables | {"after": None})

    openneuro, fake = source(tamper=stuck)
    restart(fake)
    with pytest.raises(SourceError, match="circles"):
        openneuro.snapshots()


@pytest.mark.parametrize(
    ("message", "extensions", "reason"),
    [
        ("Dataset ds000001 does not exist.", {}, Exclusion.NOT_ACCESSIBLE),
        ("You do not have access to read this dataset.", {}, Exclusion.NOT_ACCESSIBLE),
        ("Dataset ds000001 has been deleted. Reason: R.", {}, Exclusion.WITHDRAWN),
        ("It is gone.", {"code": "DELETED_DATASET"}, Exclusion.WITHDRAWN),
    ],
)
def test_a_named_dataset_that_is_not_there_is_a_row(source, message, extensions, reason):
    told = {"errors": [fault(message, "dataset", **extensions)], "data": {"dataset": None}}
    openneuro, fake = source(tamper=always(told), named=("ds000001",))
    (row,) = openneuro.snapshots().excluded
    assert (row.dataset, row.reason, row.evidence) == ("ds000001", reason, message)
    assert len(fake.asked) == 1


def test_a_deleted_dataset_says_where_it_went(source):
    gone = fault("Dataset ds000001 has been deleted.", code="DELETED_DATASET", redirect="/datasets/ds000009")
    openneuro, fake = source(["ds000002"], named=("ds000001", "ds000002"))
    fake.gone["ds000001"] = gone
    found = openneuro.snapshots()
    assert [snapshot.dataset for snapshot in found.snapshots] == ["ds000002"]
    assert found.excluded[0].evidence.endswith("→ /datasets/ds000009")


def test_one_named_dataset_without_answer_does_not_keep_back_the_others(source):
    def silent(operation, variables, number, honest):
        return HTML if variables.get("dataset") == "ds000002" else honest

    openneuro, _ = source(NAMES, silent, named=("ds000001", "ds000002", "ds000003"))
    found = openneuro.snapshots()
    assert [snapshot.dataset for snapshot in found.snapshots] == ["ds000001", "ds000003"]
    assert [(row.dataset, row.reason) for row in found.excluded] == [("ds000002", Exclusion.LISTING_FAILED)]


def test_a_page_that_times_out_is_asked_for_in_halves(source):
    def heavy(operation, variables, number, honest):
        too_much = operation == "List" and variables["first"] > 30 and variables["after"]
        return Reply(status=504, headers={}, body=b"") if too_much else honest

    openneuro, fake = source(NAMES, heavy)
    assert [snapshot.dataset for snapshot in openneuro.snapshots().snapshots] == NAMES
    assert {json.loads(variables)["first"] for _, variables in fake.asked} == {100, 50, 25}


def lost(*fields, status=400, code="GRAPHQL_VALIDATION_FAILED"):
    """A server without some fields: it names all that the question has, as graphql-js does."""

    def newer(fake):
        def tamper(operation, variables, number, honest):
            found = [
                f'Cannot query field "{field}" on type "{kind}".'
                for kind, field in fields
                if re.search(rf"\b{field}\b", fake.question)
            ]
            if not found:
                return honest
            return answer({"errors": [fault(text, code=code) for text in found]}, status)

        return tamper

    return newer


@pytest.mark.parametrize("named", [(), ("ds000001",)])
def test_fields_that_the_api_has_lost_cost_columns_and_are_named(source, named):
    openneuro, fake = source(named=named)
    fake.tamper = lost(("Snapshot", "deprecated"), ("Metadata", "species"), ("DatasetFile", "urls"))(fake)
    assert openneuro.complaints() == ()
    (snapshot,) = openneuro.snapshots().snapshots
    assert (snapshot.tag, snapshot.files) == ("1.0.0", 3)
    openneuro.listing(snapshot)
    assert len(fake.asked) == 4
    (row,) = openneuro.complaints()
    assert row.reason in INCOMPLETE
    assert "5.5.1 no longer knows DatasetFile.urls, Metadata.species, Snapshot.deprecated" in row.evidence
    openneuro.listing(snapshot)
    assert len(fake.asked) == 5  # not from the cache: it may hold more for the next version


@pytest.mark.parametrize("refusal", [{}, {"status": 200, "code": "OTHER"}], ids=["apollo", "others"])
def test_a_field_that_nothing_works_without_ends_the_run(source, refusal):
    openneuro, fake = source()
    fake.tamper = lost(("Snapshot", "tag"), **refusal)(fake)
    with pytest.raises(SourceError, match='Cannot query field "tag"'):
        openneuro.snapshots()
    assert len(fake.asked) == 1


def test_a_refusal_with_status_200_costs_a_column_too(source):
    openneuro, fake = source()
    fake.tamper = lost(("Metadata", "species"), status=200, code="OTHER")(fake)
    assert len(openneuro.snapshots().snapshots) == 1
    assert "Metadata.species" in openneuro.complaints()[0].evidence


@pytest.mark.parametrize("deleted", [True, False])
def test_a_dataset_that_goes_between_list_and_listing(source, deleted):
    code = {"code": "DELETED_DATASET"} if deleted else {}
    message = "Dataset ds000001 has been deleted." if deleted else "Dataset ds000001 does not exist."
    told = {"errors": [fault(message, "snapshot", **code)], "data": {"snapshot": None}}
    openneuro, fake = source(tamper=always(told, "Files"))
    with pytest.raises(Departed) as caught:
        openneuro.listing(SNAPSHOT)
    assert caught.value.absent.kind is (Absence.DELETED if deleted else Absence.REFUSED)
    assert len(fake.asked) == 1


def test_pinned_versions_and_no_others(tmp_path):
    fake = FakeOpenNeuro(dict.fromkeys(NAMES[:60], FILES))
    fake.about["ds000002"] = {"tag": "2.0.0"}
    fake.about["ds000003"] = {"hexsha": "e" * 40}
    del fake.datasets["ds000004"]
    fake.gone["ds000004"] = fault("Dataset ds000004 has been deleted. Reason: R.", code="DELETED_DATASET")
    pins = [Pin(dataset=name, snapshot="1.0.0", hexsha="f" * 40) for name in NAMES[:60]]
    found = OpenNeuro(fake, Endpoints(), cache=tmp_path, pins=pins).snapshots()
    assert [s.dataset for s in found.snapshots] == [NAMES[0], *NAMES[4:60]]
    evidence = {row.dataset: row.evidence for row in found.excluded}
    assert {row.reason for row in found.excluded} == {Exclusion.LOCK_BROKEN}
    assert evidence["ds000002"] == "Not Found"
    assert "e" * 40 in evidence["ds000003"]
    assert "deleted" in evidence["ds000004"]
    assert len(fake.asked) == 3


def test_a_pin_without_answer_is_asked_for_again(tmp_path):
    def flaky(operation, variables, number, honest):
        if number == 0:
            honest["data"]["s1"] = None
            honest["errors"] = [fault("fetch failed", "s1")]
        return honest

    fake = FakeOpenNeuro(dict.fromkeys(NAMES[:3], FILES), flaky)
    pins = [Pin(dataset=name, snapshot="1.0.0") for name in NAMES[:3]]
    assert len(OpenNeuro(fake, Endpoints(), cache=tmp_path, pins=pins).snapshots().snapshots) == 3


def test_names_that_could_not_be_folders_are_rows(source):
    openneuro, _ = source(["ds000001", "../../etc", ""])
    found = openneuro.snapshots()
    assert [snapshot.dataset for snapshot in found.snapshots] == ["ds000001"]
    assert {row.dataset for row in found.excluded} == {"../../etc", ""}


@pytest.mark.parametrize(
    "text",
    [
        queries.LIST,
        queries.DATASET,
        queries.FILES,
        queries.ROOT,
        queries.trees(3),
        queries.pinned(2),
    ],
)
def test_the_questions_are_valid_and_ask_for_all_that_is_decoded(text):
    schema = public_schema()
    assert graphql.validate(schema, graphql.parse(queries.render(text))) == []
    fields = queries.optional(text)
    for lost in [*({field} for field in fields), fields]:
        assert graphql.validate(schema, graphql.parse(queries.render(text, lost))) == []
        for kind, field in lost:
            assert field in schema.type_map[kind].fields
