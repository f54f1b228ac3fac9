"""Every public name of the library has an example, and each example does what it says."""

import doctest
import inspect

import pytest

import allbrains
from allbrains.cli.commands import COMMANDS

# what each command is called in Python; of Corpus, where there is a dot
VERBS = {
    "demo": "demo",
    "doctor": "doctor",
    "catalog": "catalog",
    "participants": "read_participants",
    "download": "download",
    "build": "Corpus.build",
    "plan": "Corpus.plan",
    "status": "Corpus.status",
    "verify": "Corpus.verify",
    "repair": "Corpus.repair",
    "remove": "Corpus.remove",
    "report": "Corpus.report",
    "serve": "Corpus.serve",
    "scan": "scan",
    "splits": "Corpus.splits",
    "verify-splits": "find_leaks",
    "learn": "Corpus.learn",
    "bench": "Corpus.bench",
    "export": "Corpus.export",
    "publish": "Corpus.publish",
    "cite": "Corpus.cite",
    "sandbox": "serve_openneuro",
}


def public():
    """Return the functions of the library's face, and the methods of Corpus, by name."""
    functions = {name: getattr(allbrains, name) for name in dir(allbrains) if name[:1].islower()}
    del functions["open"]  # its examples are docs/how-to/load.md
    methods = {
        f"Corpus.{name}": value
        for name, value in inspect.getmembers(allbrains.Corpus, inspect.isfunction)
        if not name.startswith("_")
    }
    return functions | methods


@pytest.mark.parametrize("name", sorted(public()))
@pytest.mark.filterwarnings("ignore")  # of other libraries
def test_its_example_runs(name, home):
    (test,) = doctest.DocTestFinder(recurse=False).find(public()[name], name, globs={"allbrains": allbrains})
    assert test.examples, f"{name} has no example"
    told = []
    runner = doctest.DocTestRunner(verbose=False, optionflags=doctest.NORMALIZE_WHITESPACE)
    failed = runner.run(test, out=told.append).failed
    assert failed == 0, "".join(told)


def test_every_command_has_a_name_in_python():
    assert set(VERBS) == set(COMMANDS)
    assert set(VERBS.values()) <= set(public())


@pytest.mark.parametrize("name", sorted(public()))
def test_it_says_what_it_takes_and_gives(name):
    function = public()[name]
    signature = inspect.signature(function)
    assert signature.return_annotation is not inspect.Signature.empty
    text = inspect.getdoc(function) or ""
    for parameter in signature.parameters.values():
        if parameter.name not in ("self", "how") and "see the " not in text and name != "Corpus.lesson":
            assert (
                f"{parameter.name}:" in text
                or f"``{parameter.name}``" in text
                or len(signature.parameters) <= 2
            ), f"{name} does not say what {parameter.name} is"
