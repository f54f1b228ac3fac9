"""The page: one HTML file that needs no other file and makes no request."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from html import escape
from importlib.resources import files

import numpy as np

from allbrains.own import page_text
from allbrains.own.charts import chart, number, strip
from allbrains.own.compare import Compared, Subject
from allbrains.own.mesh import Mesh
from allbrains.version import VERSION

_STEP_MM = 0.01  # of the page's vertices: ±327 mm in 16 bits


@dataclass(frozen=True, slots=True, kw_only=True)
class PageContent:
    """The content of the page.

    Attributes:
        subject: age and sex.
        faults: names of the quality limits that the scan fails; none where it is good.
        quality: further facts about the scan, sentence by sentence.
        doubts: what is within its limits and yet unusual, sentence by sentence.
        compared: the numbers; without centiles where the scan is poor.
        lobes: lobe, left and right grey matter, ml.
        corpus: what it was compared with, one sentence.
        pictures: JPEGs: own brain on the template, the template, tissues.
        mesh: the surface for the viewer.
        chosen: why this series, reason by reason.
        files: name and meaning of the other files in the folder.
        recipe: name and fingerprint.
    """

    subject: Subject
    faults: tuple[str, ...]
    quality: tuple[str, ...]
    doubts: tuple[str, ...]
    compared: tuple[Compared, ...]
    lobes: tuple[tuple[str, float, float], ...]
    corpus: str
    pictures: tuple[bytes, bytes, bytes]
    mesh: Mesh
    chosen: tuple[str, ...]
    files: tuple[tuple[str, str], ...]
    recipe: str


def page(story: PageContent) -> str:
    """Return the HTML."""
    style, script = _packaged("page.css"), _packaged("viewer.js")
    policy = (
        f"default-src 'none'; style-src '{_digest(style)}'; script-src '{_digest(script)}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    sections = (
        _head(story),
        _quality(story),
        _numbers(story),
        _pictures(story),
        _surface(),
        _limits(),
        _rest(story),
    )
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer"><title>One brain among all the others</title>\n'
        f"<style>{style}</style></head>\n<body>\n{''.join(sections)}\n"
        f'<script id="mesh" type="application/json">{_mesh(story.mesh)}</script>\n'
        f"<script>{script}</script>\n</body></html>\n"
    )


def _packaged(name: str) -> str:
    return (files("allbrains.own") / name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _head(story: PageContent) -> str:
    who = {"female": "woman", "male": "man"}.get(story.subject.sex, "")
    age = f", {story.subject.age_years:.0f} years" if story.subject.age_years > 0 else ""
    compared = any(one.centile is not None for one in story.compared)
    start = "Compared as" if compared else "By the files or the options"
    told = f'<p class="soft">{start}: {who}{age}.</p>' if story.subject.is_known else ""
    return (
        f"<h1>One brain among all the others</h1>{told}"
        f'<div class="box"><strong>No diagnosis.</strong> {escape(page_text.NO_DIAGNOSIS)}</div>'
    )


def _quality(story: PageContent) -> str:
    facts = _list(story.quality)
    if not story.faults and story.doubts:
        return (
            '<h2>Is the scan good enough?</h2><div class="box"><strong>Yes, with a doubt.</strong> All '
            "automatic checks are within their limits, but not all numbers are as they usually are."
            f"{_list(story.doubts)}</div>{facts}"
        )
    if not story.faults:
        return (
            '<h2>Is the scan good enough?</h2><div class="box good"><strong>Yes.</strong> All automatic '
            f"checks are passed. They see motion, noise and bad outlines, not everything.</div>{facts}"
        )
    told = _list(page_text.QUALITY.get(name, f"{name} is outside its limits.") for name in story.faults)
    return (
        '<h2>Is the scan good enough?</h2><div class="box bad"><strong>No.</strong> The numbers below are '
        f"not to be trusted, and they are not compared with anybody's.{told}</div>{facts}"
    )


def _numbers(story: PageContent) -> str:
    rows = "".join(_row(one) for one in story.compared)
    why = dict.fromkeys(one.why_not for one in story.compared if one.why_not)
    notes = _list(f"No centile: {sentence}." for sentence in why)
    lobes = "".join(
        f'<tr><td>{lobe} lobe</td><td class="number">{left:.1f} ml</td>'
        f'<td class="number">{right:.1f} ml</td></tr>'
        for lobe, left, right in story.lobes
    )
    table = (
        f'<h2>Grey matter by lobe</h2><table><tr><th></th><th class="number">left</th>'
        f'<th class="number">right</th></tr>{lobes}</table>'
    )
    charts = "".join(
        f"<figure>{chart(one, story.subject.age_years)}"
        f"<figcaption>{escape(one.measure.says)}</figcaption></figure>"
        for one in story.compared
        if one.chart is not None
    )
    drawn = (
        '<p class="soft">Curves: 5th, 25th, 50th (thick), 75th and 95th centile for this sex; the band '
        f"around each is where it would lie with other people of the same kind (90 %). The dot is this "
        f"scan.</p>"
        f'<div class="charts">{charts}</div>'
    )
    return (
        f"<h2>Volumes</h2><p>{escape(story.corpus)}</p>"
        '<table><tr><th></th><th class="number">this scan</th><th>centile for age and sex</th><th></th>'
        f'<th class="number">people behind it</th></tr>{rows}</table>{notes}'
        f"{drawn if charts else ''}{table if lobes else ''}"
    )


def _row(one: Compared) -> str:
    says, value = escape(one.measure.says), number(one.value, one.measure.unit)
    start = f'<tr><td>{says}</td><td class="number">{value}</td>'
    if one.centile is None:
        return f'{start}<td>none</td><td></td><td class="number">{one.people or "–"}</td></tr>'
    return (
        f'{start}<td>{centile_text(one)}</td><td>{strip(one)}</td><td class="number">{one.people:,}</td></tr>'
    )


def centile_text(one: Compared) -> str:
    """Return a centile in words and figures, with its uncertainty."""
    found = one.centile
    assert found is not None
    middle = _ordinal(found.percent)
    if found.is_beyond:
        middle = f"{'below' if found.percent < 50 else 'above'} the {middle}"
    text = f"{middle} ({found.low:.0f}–{found.high:.0f})"
    if one.sites:
        text += f"; {one.site_low:.0f}–{one.site_high:.0f} with another scanner ({one.sites} in the corpus)"
    return text


def _ordinal(percent: float) -> str:
    n = round(percent)
    ending = "th" if 10 <= n % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(n % 10, "th")
    return f"{n}{ending}"


def _pictures(story: PageContent) -> str:
    captions = (
        "This brain, brought onto the template. Yellow: the template's outline. Where both differ, the "
        "registration missed, or the brain is unusual.",
        "The template, same slices.",
        "Above as before; below the tissues that were found: fluid blue, grey matter green, white matter "
        "light.",
    )
    figures = "".join(
        f'<figure><img alt="{caption}" src="data:image/jpeg;base64,{base64.b64encode(picture).decode()}">'
        f"<figcaption>{caption}</figcaption></figure>"
        for picture, caption in zip(story.pictures, captions, strict=True)
    )
    return (
        f'<h2>The pictures</h2><p class="soft">The left of each picture is the person\'s left.</p>{figures}'
    )


def _surface() -> str:
    buttons = "".join(
        f'<button type="button" data-view="{name}">{name}</button>'
        for name in ("left", "right", "front", "back", "top", "below")
    )
    return (
        '<h2>The surface</h2><p class="soft">Drag to turn, wheel to zoom, arrow keys too. In its own size '
        "and shape, smoothed to 2 mm: fine folds are not in it.</p>"
        '<canvas id="brain" width="560" height="560" tabindex="0" role="img" '
        'aria-label="Surface of the brain"></canvas>'
        f"<div>{buttons}</div>"
    )


def _limits() -> str:
    return f"<h2>What these numbers can't say</h2>{_list(page_text.LIMITS)}"


def _rest(story: PageContent) -> str:
    rows = "".join(f"<tr><td><code>{escape(n)}</code></td><td>{escape(w)}</td></tr>" for n, w in story.files)
    return (
        f"<h2>In this folder</h2><table>{rows}</table><p>{escape(page_text.PRIVACY)}</p>"
        f"<h2>Which images, and how</h2>{_list(story.chosen)}"
        f'<p class="soft">allbrains {escape(VERSION)}, recipe {escape(story.recipe)}.</p>'
    )


def _list(sentences: Iterable[str]) -> str:
    items = "".join(f"<li>{escape(sentence)}</li>" for sentence in sentences)
    return f"<ul>{items}</ul>" if items else ""


def _mesh(mesh: Mesh) -> str:
    middle = (mesh.vertices.max(axis=0) + mesh.vertices.min(axis=0)) / 2
    centred = mesh.vertices - middle
    whole = np.clip(np.rint(centred / _STEP_MM), -32767, 32767).astype("<i2")
    return json.dumps(
        {
            "step": _STEP_MM,
            "radius": round(float(np.linalg.norm(centred, axis=1).max()), 2),
            "vertices": base64.b64encode(whole.tobytes()).decode(),
            "faces": base64.b64encode(mesh.faces.astype("<u4").tobytes()).decode(),
        }
    )
