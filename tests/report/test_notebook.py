"""A brain in a notebook: its picture and its row, escaped; figures that show every scan."""

import base64
import re

import numpy as np
import pytest

import allbrains
from allbrains.load import adapters
from allbrains.load.notebook_html import brain_html
from allbrains.records import Volume
from tests.report.tiny import DONE, HOSTILE, make


@pytest.fixture(scope="module")
def brains(tmp_path_factory):
    return allbrains.open(make(tmp_path_factory.mktemp("notebook") / "corpus"))


def test_a_notebook_shows_the_montage(brains):
    html = brains[0]._repr_html_()
    (data,) = re.findall(r'src="data:image/jpeg;base64,([^"]+)"', html)
    assert base64.b64decode(data) == brains[0].montage
    assert "gm_ml" in html


def test_what_a_corpus_says_is_text_and_not_markup():
    html = brain_html({"dataset": HOSTILE, "path": '"><script>', "sex": "<b>"}, b"<script>not a picture")
    assert "<script" not in html
    assert "<b>" not in html
    assert "<img" not in html


def test_figures_show_every_scan_with_an_age(brains):
    figure = brains.plot.volumes("gm_ml")
    shown = sum(len(group.get_offsets()) for group in figure.axes[0].collections)
    assert shown == DONE + 1
    bars = [patch.get_width() for patch in brains.plot.ages().axes[0].patches]
    assert sum(abs(width) for width in bars) == np.isfinite(brains.table["age_years"].to_numpy()).sum()
    counted = sum(patch.get_height() for patch in brains.plot.histogram("gm_ml").axes[0].patches)
    assert counted == DONE + 1


def test_niivue_gets_images_on_top_of_each_other(monkeypatch):
    class Fake:
        Volume = dict

        class NiiVue:
            def load_volumes(self, volumes):
                self.volumes = volumes

    monkeypatch.setitem(__import__("sys").modules, "ipyniivue", Fake)
    one = Volume(array=np.ones((2, 3, 4), np.float32), affine=np.eye(4))
    widget = adapters.niivue_widget({"t1w": one, "gm": one})
    assert [layer["name"] for layer in widget.volumes] == ["t1w.nii", "gm.nii"]
    assert [layer["opacity"] for layer in widget.volumes] == [1.0, 0.4]
    assert len(widget.volumes[0]["data"]) == 352 + 4 * 24
