"""Steps of other packages: found by entry point, refused when they clash or are none."""

import re
from importlib.metadata import EntryPoint
from pathlib import Path

import numpy as np
import pytest

from allbrains import recipes
from allbrains.case import Case
from allbrains.errors import ConfigurationError
from allbrains.records import Volume

PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "own-step.md").read_text()
CODE, ENTRY, USE, LAWS = re.findall(r"```(?:python|toml)\n(.*?)```", PAGE, re.DOTALL)


def install(folder: Path, name: str, code: str, entries: str) -> None:
    """Write a package as pip leaves it: a module and its metadata."""
    (folder / f"{name}.py").write_text(code)
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[allbrains.steps]\n{entries}\n")


@pytest.fixture
def page(tmp_path, monkeypatch) -> str:
    """The page's package, installed; its recipe's text."""
    install(tmp_path, "sharpness", CODE, ENTRY.splitlines()[1].replace('"', ""))
    monkeypatch.syspath_prepend(str(tmp_path))
    embedded = recipes.text("embedded")
    return embedded.replace('[[steps]]\nuse = "volumes"\n', f'{USE}\n[[steps]]\nuse = "volumes"\n')


def test_the_pages_step_is_found_set_and_fingerprinted(page):
    recipe = recipes.parse(page, origin="mine.toml")
    step = next(step for step in recipe.steps if step.name == "sharpness")
    assert step.highest == 0.8
    assert recipe.fingerprint != recipes.parse(page.replace("0.8", "0.7"), origin="mine.toml").fingerprint
    assert recipe.fingerprint != recipes.load("embedded").fingerprint


def test_the_pages_step_measures_a_ramp(page):
    step = next(s for s in recipes.parse(page, origin="mine.toml").steps if s.name == "sharpness")
    ramp = np.broadcast_to(np.arange(8, dtype=np.float32) * 10, (8, 8, 8))
    affine = np.diag([1.0, 1.0, 2.0, 1.0])
    images = {"t1w": Volume(array=ramp, affine=affine), "mask": Volume(array=ramp >= 0, affine=affine)}
    out = step(Case(images=images, numbers={"wm_centre_raw": 100.0}))
    assert out.numbers["sharpness"] == pytest.approx(0.05)  # 10 of 100 on 2 mm


def test_the_pages_step_keeps_the_laws_that_the_page_shows(page):
    names = {}
    exec(compile(LAWS, "own-step.md", "exec"), names)
    laws = [name for name in dir(names["TestSharpness"]) if name.startswith("test_")]
    for name in laws:
        getattr(names["TestSharpness"](), name)()
    assert len(laws) >= 8


def test_a_misspelt_setting_of_a_foreign_step_is_refused_with_a_suggestion(page):
    with pytest.raises(ConfigurationError, match="did you mean 'highest'"):
        recipes.parse(page.replace("highest = 0.8", "higest = 0.8"), origin="mine.toml")


def test_without_the_package_the_step_is_unknown():
    with pytest.raises(ConfigurationError, match="no step 'sharpness'"):
        recipes.parse(f'name = "x"\n{USE}', origin="mine.toml")


@pytest.mark.parametrize("clash", ["tissues = other:Tissues", "mine = one:A\n"])
def test_two_steps_of_one_name_are_refused_whichever_is_used(clash, tmp_path, monkeypatch):
    install(tmp_path, "first", "", "mine = two:B")
    install(tmp_path, "second", "", clash)
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ConfigurationError, match=r"two steps are called '(tissues|mine)'"):
        recipes.load("embedded")


def test_the_same_entry_point_seen_twice_is_one_step():
    twice = [EntryPoint("mine", "one:A", recipes.GROUP)] * 2
    assert recipes.kinds(twice)["mine"].value == "one:A"


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("import nowhere_to_be_found", "can't be imported: No module named 'nowhere_to_be_found'"),
        ("Other = 1", "can't be imported"),
        ("def Mine(case): return case", "expected a dataclass"),
        (
            "from dataclasses import dataclass\n@dataclass(frozen=True)\nclass Mine:\n    name = 'mine'\n",
            "has no version, needs, gives, __call__",
        ),
        (CODE.replace("class Sharpness", "class Mine"), "called 'sharpness' by itself"),
    ],
)
def test_what_is_no_step_is_refused_by_name(code, said, tmp_path, monkeypatch):
    name = f"broken_{abs(hash(said))}"  # a module of its own, or the first would stay imported
    install(tmp_path, name, code, f"mine = {name}:Mine")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ConfigurationError, match=re.escape(said)):
        recipes.parse('name = "x"\n[[steps]]\nuse = "mine"', origin="mine.toml")
