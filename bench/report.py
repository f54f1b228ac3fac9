"""How fast the page is with 60,000 rows: ``python bench/report.py`` (needs the extra ``dev`` and Chromium).

The rows are synthetic, with the columns that a corpus of the recipe ``embedded`` has; every sample shows the
same picture. Prints a table in Markdown.
"""

from __future__ import annotations

import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from playwright.sync_api import Page, sync_playwright

from allbrains.limits import LIMITS
from allbrains.report import ReportSite, open_site
from allbrains.report.review_server import serving
from allbrains.store.layout import Layout
from allbrains.store.samples import SAMPLES
from allbrains.testing.corpora import ToyStory, scan, write

ROWS = 60_000
NUMBERS = 60  # of a row, as the recipe `embedded` gives
PICTURE_BYTES = 33_000  # a montage's usual size
ARGUMENTS = ["--no-sandbox", "--js-flags=--expose-gc"]  # as it comes: no WebGL is used here


def corpus(root: Path, rows: int) -> None:
    """Write a samples table of so many rows beside one real shard."""
    write(Layout(root), ToyStory(scans=(scan(0),)))
    path = Layout(root).samples
    one = pq.read_table(path)
    random = np.random.default_rng(0)
    table = one.take(np.zeros(rows, np.int64)).drop_columns(["montage"])
    datasets = random.integers(0, 1200, rows)
    age = np.where(random.random(rows) < 0.2, np.nan, random.gamma(4, 9, rows) + 5)
    told = {
        "scan_id": [f"{n:032x}" for n in range(rows)],
        "dataset": [f"ds{n:06d}" for n in datasets],
        "subject": [f"{n:05d}" for n in range(rows)],
        "path": [
            f"sub-{n:05d}/ses-01/anat/sub-{n:05d}_ses-01_acq-mprage_run-1_T1w.nii.gz" for n in range(rows)
        ],
        "age_years": pa.array(age, pa.float64(), from_pandas=True),
        "sex": random.choice(["female", "male"], rows).tolist(),
        "manufacturer": random.choice(["Siemens", "GE", "Philips"], rows).tolist(),
        "field_strength_t": random.choice([1.5, 3.0, 7.0], rows),
        "outcome": random.choice(["done", "rejected", "failed"], rows, p=[0.93, 0.05, 0.02]).tolist(),
    }
    names = [*LIMITS, "wm_ml", "csf_ml", "icv_ml"]
    told |= {name: random.normal(1, 0.2, rows) for name in names}
    told |= {f"number_{n}": random.normal(0, 1, rows) for n in range(NUMBERS - len(names))}
    for name, values in told.items():
        column = values if isinstance(values, pa.Array) else pa.array(values)
        if name in table.column_names:
            table = table.set_column(table.column_names.index(name), name, column)
        else:
            table = table.append_column(name, column)
    done = pa.compute.equal(table["outcome"], "rejected")
    table = table.set_column(
        table.column_names.index("reason"), "reason", pa.compute.if_else(done, "no_brain_found", "")
    )
    schema = table.schema.with_metadata(one.schema.metadata)
    pq.write_table(table.cast(schema), path, **SAMPLES)


class Pictured(ReportSite):
    """A report whose samples all show the same picture."""

    def _montage(self, scan_id: str) -> bytes | None:
        return _PICTURE if scan_id in self.places else None


def _picture() -> bytes:
    import io

    from PIL import Image

    noise = np.random.default_rng(0).integers(0, 255, (96, 259, 3), np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(noise).resize((1036, 384)).save(buffer, "JPEG", quality=60)
    return buffer.getvalue()[:]


_PICTURE = _picture()


def timed(act: Callable[[], object]) -> float:
    begun = time.perf_counter()
    act()
    return time.perf_counter() - begun


def arrive(page: Page, address: str, selector: str) -> None:
    """Open an address and wait for something on it."""
    page.goto(address)
    page.wait_for_selector(selector)


def filters(page: Page) -> list[float]:
    """Return seconds from a change of the address to the picture after it."""
    script = """async hash => {
        const begun = performance.now();
        location.hash = hash;
        await new Promise(done => addEventListener('hashchange', done, { once: true }));
        await new Promise(done => requestAnimationFrame(() => setTimeout(done)));
        return performance.now() - begun;
    }"""
    asked = [
        "sex=female",
        "age_years=20..40",
        "sex=male&age_years=60..",
        "qc=look",
        "q=sub-0123",
        "manufacturer=GE&q=ds0001",
    ]
    for one in asked:  # columns are loaded once, before the clock runs
        page.evaluate(script, f"#/brains?outcome=done&{one}")
        page.wait_for_timeout(400)
    return [page.evaluate(script, f"#/brains?outcome=done&{one}") / 1000 for one in asked * 3]


def memory_mb(page: Page) -> float:
    """Return what the page's JavaScript holds, buffers included, after a collection."""
    session = page.context.new_cdp_session(page)
    session.send("HeapProfiler.collectGarbage")
    usage = session.send("Runtime.getHeapUsage")
    return float((usage["usedSize"] + usage.get("backingStorageSize", 0)) / 1e6)


def main() -> None:
    """Measure and print."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else ROWS
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "corpus"
        corpus(root, rows)
        begun = time.process_time()
        site = open_site(root, served=True)
        opened = time.process_time() - begun
        object.__setattr__(site, "__class__", Pictured)
        begun = time.process_time()
        size = sum(len(site.read(name) or b"") for name in site.names() if "/volume/" not in name)
        made = time.process_time() - begun
        with serving(site) as address, sync_playwright() as play:
            browser = play.chromium.launch(executable_path=chromium, args=ARGUMENTS)
            paint, whole, gallery = [], [], []
            for _ in range(3):
                page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
                whole.append(timed(partial(arrive, page, address, ".stat.done")))
                paint.append(
                    page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
                    / 1000
                )
                page.close()
                page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
                gallery.append(timed(partial(arrive, page, f"{address}#/brains", ".card")))
            took = filters(page)
            found = page.evaluate("performance.getEntriesByName('filter').slice(-18).map(m => m.duration)")
            rows_shown = memory_mb(page)
            page.goto(f"{address}#/scan/{site.brains.table['scan_id'][0].as_py()}")
            page.wait_for_selector(".metric")
            everything = memory_mb(page)
            browser.close()
    print(f"| what ({rows} rows, {len(site.columns)} columns) | measured | goal |\n|---|---|---|")
    for what, value, goal in (
        ("first paint", f"{statistics.median(paint):.2f} s", "< 2 s"),
        ("overview with its numbers", f"{statistics.median(whole):.2f} s", ""),
        ("gallery's first cards", f"{statistics.median(gallery):.2f} s", "< 2 s"),
        (
            "filter, order or search to the next picture, median",
            f"{statistics.median(took) * 1000:.0f} ms",
            "< 150 ms",
        ),
        ("of that, finding the rows, worst", f"{max(found):.0f} ms", ""),
        ("to the next picture, worst", f"{max(took) * 1000:.0f} ms", ""),
        ("JavaScript memory, gallery", f"{rows_shown:.0f} MB", "< 500 MB"),
        ("JavaScript memory, one scan with all columns", f"{everything:.0f} MB", "< 500 MB"),
        ("page and data on disk, without pictures and volumes", f"{size / 1e6:.1f} MB", ""),
        ("pictures on disk, at 33 kB each", f"{rows * PICTURE_BYTES / 1e9:.1f} GB", ""),
        ("opening the corpus", f"{opened:.1f} CPU s", ""),
        ("making all data scripts", f"{made:.1f} CPU s", ""),
    ):
        print(f"| {what} | {value} | {goal} |")


if __name__ == "__main__":
    main()
