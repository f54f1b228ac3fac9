"""A build sweeps what builds left, and nothing that is somebody else's."""

from allbrains.store.layout import Layout
from allbrains.store.ledger import Ledger
from allbrains.store.staging import sweep
from allbrains.testing.corpora import ToyStory, scan, write

LEFT = (
    ".samples.parquet.0123abcd.tmp",
    ".allbrains.json.0123abcd.tmp",
    ".SHA256SUMS.0123abcd.tmp",
    "shards/ds000011/.ds000011-00000.parquet.0123abcd.tmp",
    "staging/." + "a" * 32 + ".parquet.0123abcd.tmp",
    "staging/" + "b" * 32 + ".parquet",
)
OTHERS = (
    ".x.tmp",
    ".notes.0123abcd.tmp",
    ".ratings.tsv.0123abcd.tmp",  # `serve` may be writing it
    ".splits.parquet.0123abcd.tmp",
    "report/.index.html.0123abcd.tmp",
    "mine/.samples.parquet.0123abcd.tmp",
    "staging/thesis.parquet",
    "shards/ds000011/.keep.tmp",
    ".samples.parquet.notours.tmp",
)


def test_only_what_is_its_own_is_swept(tmp_path):
    layout = Layout(tmp_path / "out")
    write(layout, ToyStory(scans=(scan(0),)))
    for name in (*LEFT, *OTHERS):
        path = layout.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    folders = [layout.root / ".x.0123abcd.tmp", layout.root / ".samples.parquet.89abcdef.tmp"]
    for folder in folders:
        folder.mkdir()
        (folder / "data").write_text("x")
    (tmp_path / "else").mkdir()
    beside = tmp_path / "else" / ".ds-00000.parquet.0123abcd.tmp"
    beside.write_text("x")
    (layout.shards / "linked").symlink_to(tmp_path / "else")
    with Ledger.open(layout.ledger) as ledger:
        sweep(layout, ledger)
    assert not [name for name in LEFT if (layout.root / name).exists()]
    assert [name for name in OTHERS if not (layout.root / name).exists()] == []
    assert all((folder / "data").exists() for folder in folders)
    assert beside.exists()
