"""The library: instant to import, shown by TAB, honest about what is missing, and stopped in order."""

import subprocess
import sys

import pytest

import allbrains
from allbrains.library import listening
from allbrains.library.build_corpus import site_of
from allbrains.testing.cohorts import ToyCohort, write_cohort


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_importing_it_imports_nothing_but_itself_and_tab_shows_its_names():
    code = (
        "import sys, allbrains; print(sorted(m for m in sys.modules if m.startswith('allbrains')));"
        "print(all(hasattr(allbrains, name) for name in dir(allbrains)), 'Corpus' in dir(allbrains))"
    )
    assert run(code).splitlines() == ["['allbrains', 'allbrains.version']", "True True"]


def test_a_brain_shows_its_maps_to_tab(tmp_path):
    write_cohort(tmp_path / "toy", ToyCohort(people=2, datasets=1))
    brain = allbrains.open(tmp_path / "toy", maps=["gm"])[0]
    assert {"gm", "row", "volume"} <= set(dir(brain))


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: allbrains.catalog(bids="nowhere"), "no such file or folder: nowhere"),
        (lambda: allbrains.catalog(bids=".", limit=0), "limit is 0, expected a whole number of 1 or more"),
        (lambda: allbrains.catalog(bids=".", where="agee > 3"), "age_years"),
        (lambda: allbrains.Corpus("new").build("study"), "expected what allbrains.catalog"),
        (lambda: allbrains.Corpus("hf://a/b").verify(), "is an address: it can be opened and cited only"),
        (lambda: allbrains.Corpus("new").status(), "ledger"),
        (lambda: allbrains.Corpus("brains").export("to", form="nifti"), "expected one of bids, npy"),
        (lambda: allbrains.Corpus("brains").learn("height"), "expected one of age, sex, contrastive"),
        (lambda: allbrains.Corpus("brains").splits(shares=(0.5, 0.5)), "expected three numbers"),
        (lambda: allbrains.find_leaks("nowhere.csv"), "no such file"),
        (lambda: allbrains.read_participants("nowhere"), "no such file or folder"),
        (lambda: site_of("slrum"), "expected slurm, dask, a scheduler's address, or a TOML file"),
        (lambda: allbrains.serve_openneuro().__enter__(), "give a folder to serve"),
    ],
)
def test_a_wrong_argument_is_a_configuration_error_that_says_what_was_expected(call, said, home):
    with pytest.raises(allbrains.ConfigurationError, match=said):
        call()


def test_a_missing_extra_is_a_configuration_error_that_says_what_to_install(monkeypatch, home):
    monkeypatch.setitem(sys.modules, "filelock", None)
    for name in [name for name in sys.modules if name.startswith("allbrains.library.choose_scans")]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(allbrains.ConfigurationError, match=r"pip install 'allbrains\[build\]'"):
        allbrains.catalog(bids="study")


def test_nothing_is_printed(home, capfd):
    corpus = allbrains.Corpus("new")
    found = allbrains.catalog(bids="study", where="echo_time_s > 0 or age_years > 0")
    assert found.notes
    corpus.build(found)
    corpus.verify()
    allbrains.read_participants("study")
    assert capfd.readouterr() == ("", "")


def test_an_interrupted_build_ends_in_order_and_the_next_call_goes_on(home, instant):
    corpus, found = allbrains.Corpus("new"), allbrains.catalog(bids="study")

    def interrupt(figures):
        if figures.done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as kept:  # as a notebook keeps it: with all of its frames
        corpus.build(found, progress=interrupt)
    assert instant.open == 0
    assert corpus.status().run.ended == "interrupted"
    figures = []
    built = corpus.build(found, progress=figures.append)
    assert (built.tally.done, len(instant.ran)) == (2, 2)
    assert [one.done for one in figures] == [0, 1, 1]
    assert figures[-1].ended == "finished"
    assert kept.value is not None


def test_a_selection_of_a_folder_is_kept_and_tells_what_changed(home):
    first = allbrains.catalog("tables", bids="study")
    again = allbrains.catalog("tables", bids="study", where="sex = 'male'")
    assert (first.changes, len(first), len(again)) == (None, 2, 1)
    assert not any(again.changes.as_dict().values())
    assert (home / "tables" / "scans.parquet").exists()


class Shown:
    """Takes the place of IPython's display."""

    def __init__(self):
        self.said = []

    def HTML(self, text):
        return text

    def display(self, text, display_id):
        self.said.append(text)
        return self

    def update(self, text):
        self.said.append(text)


def test_a_notebook_shows_a_bar_whose_texts_are_no_markup(monkeypatch):
    shown = Shown()
    monkeypatch.setitem(sys.modules, "IPython.display", shown)
    monkeypatch.setattr(listening, "in_notebook", lambda: True)
    with listening.heard(None, "reading") as hear:
        hear("<b>", 3, 7)
    assert "value='3' max='7'" in shown.said[1]
    assert "&lt;b&gt;" in shown.said[1]
    assert shown.said[-1] == ""


def test_outside_a_notebook_nobody_is_told_and_a_given_function_is():
    with listening.heard(None, "reading") as hear:
        hear("scans", 1, 2)
    told = []
    with listening.heard(lambda *all_: told.append(all_), "reading") as hear:
        hear("scans", 1, 2)
    assert told == [("scans", 1, 2)]
