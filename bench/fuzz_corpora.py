"""Fuzz corpora: ``python bench/fuzz_corpora.py --minutes 60 [--seed 0]``.

Each seed changes a tiny corpus: bits, bytes and slices of its files (Parquet footers most of all), or
values of rows and of metadata; then four of the commands run over it in a process of
their own. The law: exit code
0, 1 or 2, no traceback, no signal, no file outside changed, within a time and a memory, and what was
written holds nothing of the user's own file beside the corpus. A seed that breaks it is printed with what
was changed.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib
import json
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from allbrains.cli.commands import COMMANDS
from allbrains.cli.main import run
from allbrains.errors import Reason
from allbrains.records import Rejected
from allbrains.store.layout import Layout
from allbrains.testing.corpora import ToyStory, scan, write

CANARY = "a file of the user's own"
WORDS: list[Any] = [
    None, -1, 0, 1, 2**31, 2**45, 2**63 - 1, -(2**63), 1e400, "", "..", "../../own/id_rsa", "O",
    "/etc/passwd",
    "x" * 10_000, "\0", "\x1b[2J", [], {}, [[[[]]]], True, "sub-01/anat/sub-01_T1w.nii.gz",
]  # fmt: skip
LONGEST_S, MOST_BYTES = 60, 8 << 30


def sound(root: Path) -> None:
    scans = (scan(0), scan(1), scan(2, "ds000002"))
    ends = {scans[1].scan_id: Rejected(reason=Reason.CONSTANT, detail="every voxel is 0")}
    write(Layout(root), ToyStory(scans=scans, ends=ends))


def changed(root: Path, draw: random.Random) -> str:
    """Change a corpus in one way; return which."""
    files = [path for path in root.rglob("*") if path.is_file() and path.name != "driver.lock"]
    path = draw.choice([root / "samples.parquet"] * 4 + files)
    how = draw.choice((in_bytes, in_bytes, in_rows, in_metadata, in_json))
    return f"{path.relative_to(root)}: {how(path, draw)}"


def in_bytes(path: Path, draw: random.Random) -> str:
    data = bytearray(path.read_bytes())
    if not data:
        return "empty"
    # the footer of a Parquet file says where everything is
    low = max(0, len(data) - draw.choice((64, 4096, len(data))))
    said = []
    for _ in range(draw.choice((1, 1, 2, 8))):
        at, kind = (
            draw.randrange(low, len(data)),
            draw.choice(("flip", "byte", "cut", "double", "ff", "zero")),
        )
        said.append(f"{kind} at {at}")
        length = draw.randint(1, 16)
        match kind:
            case "flip":
                data[at] ^= 1 << draw.randrange(8)
            case "byte":
                data[at] = draw.randrange(256)
            case "cut":
                del data[at : at + length]
            case "double":
                data[at:at] = data[at : at + length]
            case "ff":
                data[at : at + length] = b"\xff" * len(data[at : at + length])
            case _:
                data[at : at + length] = bytes(len(data[at : at + length]))
        if not data or low >= len(data):
            break
    path.write_bytes(data)
    return ", ".join(said)


def in_rows(path: Path, draw: random.Random) -> str:
    if path.suffix != ".parquet":
        return in_bytes(path, draw)
    table = pq.read_table(path)
    number = draw.randrange(table.num_columns)
    field, values = table.schema.field(number), table.column(number).to_pylist()
    word = draw.choice(WORDS)
    row = draw.randrange(max(1, len(values)))
    for kind in (field.type, None):
        try:
            column = pa.array(
                [word if at == row or kind is None else one for at, one in enumerate(values)], kind
            )
            changed_table = table.set_column(number, field.with_type(column.type).with_nullable(True), column)
            pq.write_table(changed_table.replace_schema_metadata(table.schema.metadata), path)
        except (pa.ArrowException, ValueError, TypeError, OverflowError):
            continue
        return f"{field.name}[{row}] = {word!r:.60}"
    return "nothing"


def in_metadata(path: Path, draw: random.Random) -> str:
    if path.suffix != ".parquet":
        return in_bytes(path, draw)
    table = pq.read_table(path)
    metadata = dict(table.schema.metadata or {})
    key = draw.choice(sorted(metadata))
    try:
        told = json.loads(metadata[key])
    except ValueError:
        told = None
    text, said = tampered(told, draw) if told is not None else (b"\xff" * 9, "bytes")
    pq.write_table(table.replace_schema_metadata({**metadata, key: text}), path)
    return f"metadata {key.decode()}: {said}"


def in_json(path: Path, draw: random.Random) -> str:
    if path.suffix != ".json":
        return in_metadata(path, draw)
    text, said = tampered(json.loads(path.read_text()), draw)
    path.write_bytes(text)
    return said


def tampered(told: Any, draw: random.Random) -> tuple[bytes, str]:
    places: list[tuple[Any, Any]] = []

    def look(value: Any) -> None:
        items = (
            value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        )
        for key, inner in items:
            places.append((value, key))
            look(inner)

    look(told)
    if not places or draw.random() < 0.1:
        return draw.choice((b"[" * 200_000, b"9" * 9000, b"{}", b"null")), "another whole"
    held, key = draw.choice(places)
    held[key] = draw.choice(WORDS)
    return json.dumps(told).encode(), f"{key!r} = {held[key]!r:.60}"


def commands(corpus: str, to: str) -> list[list[str]]:
    return [
        ["verify", corpus],
        ["status", corpus],
        ["cite", corpus],
        ["export", corpus, "--to", f"{to}/bids"],
        ["export", corpus, "--to", f"{to}/native", "--space", "native"],
        ["export", corpus, "--to", f"{to}/npy", "--format", "npy"],
        ["export", corpus, "--to", f"{to}/tar", "--format", "webdataset"],
        ["splits", corpus, "--no-images"],
        ["publish", corpus, f"{to}/published"],
        ["report", corpus, "--to", f"{to}/report", "--volumes", "1"],
        ["repair", corpus],
        ["remove", corpus, "--dataset", "ds000002"],
    ]


def obeyed(corpus: Path, to: Path, log: Path, draw: random.Random) -> str:
    """Run four commands in a child; return what broke the law, empty where nothing did."""
    child = os.fork()
    if child == 0:
        with log.open("wb") as told:
            os.dup2(told.fileno(), 1)
            os.dup2(told.fileno(), 2)
        resource.setrlimit(resource.RLIMIT_AS, (MOST_BYTES, MOST_BYTES))
        signal.alarm(LONGEST_S)
        for command in draw.sample(commands(str(corpus), str(to)), 4):
            try:
                code = run(command)
            except BaseException:
                traceback.print_exc(limit=-8)
                code = 99
            if code not in (0, 1, 2):
                print(f"{command} ended with {code}", flush=True)
                os._exit(99)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if status == 0:
        return ""
    ended = f"signal {os.WTERMSIG(status)}" if os.WIFSIGNALED(status) else f"code {os.WEXITSTATUS(status)}"
    return f"{ended}: " + log.read_text(errors="replace")[-1500:]


def digest(folder: Path) -> str:
    told = [f"{p.relative_to(folder)} {p.read_bytes()!r}" for p in sorted(folder.rglob("*")) if p.is_file()]
    return hashlib.sha256("\n".join(told).encode()).hexdigest()


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--minutes", type=float, default=60.0)
    options.add_argument("--seed", type=int, default=0)
    asked = options.parse_args()
    began, seed, broken = time.monotonic(), asked.seed, 0
    for entry in COMMANDS.values():
        importlib.import_module(f"allbrains.cli.{entry.module}")  # once, not in each child
    for name in (
        "publish.bundle",
        "publish.file_tree",
        "report.report_folder",
        "export.native",
        "splits.make_splits",
    ):
        importlib.import_module(f"allbrains.{name}")
    with tempfile.TemporaryDirectory() as scratch:
        top = Path(scratch)
        sound(top / "sound")
        (top / "own").mkdir()
        (top / "own" / "id_rsa").write_text(CANARY)
        while time.monotonic() - began < 60 * asked.minutes:
            work = top / "work"
            shutil.copytree(top / "sound", work / "corpus")
            said = changed(work / "corpus", random.Random(seed))
            before = digest(top / "own")
            wrong = obeyed(work / "corpus", work / "to", top / "log", random.Random(-seed))
            if digest(top / "own") != before or {p.name for p in top.iterdir()} - {
                "sound",
                "own",
                "work",
                "log",
            }:
                wrong += " a file outside"
            if (work / "to").exists() and any(
                CANARY.encode() in p.read_bytes() for p in (work / "to").rglob("*") if p.is_file()
            ):
                wrong += " the user's own file got out"
            if wrong:
                broken += 1
                print(f"seed {seed}: {said}\n  {wrong}", file=sys.stdout, flush=True)
            shutil.rmtree(work)
            seed += 1
    spent_min = (time.monotonic() - began) / 60
    print(f"{seed - asked.seed} corpora in {spent_min:.1f} minutes, {broken} broke the law")


if __name__ == "__main__":
    main()
