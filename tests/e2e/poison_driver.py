"""Runs poison scans by Dask on this machine: OUT PATH…; prints how each ends, then waits for a line."""

import sys
from pathlib import Path

from allbrains.build.cluster import Dask
from allbrains.build.guard import Limits
from allbrains.build.job import Job
from allbrains.build.sites import Site
from allbrains.records import Failed
from tests.build.slots import POISON, scan


def main() -> None:
    out = Path(sys.argv[1])
    (out / "allbrains.json").touch()
    limits = Limits(wall_s=4, memory_mb=300, disk_mb=50)
    engine = Dask(site=Site(), limits=limits, slots=2, command=POISON)
    taken = 0

    def scans():
        nonlocal taken
        for number, path in enumerate(sys.argv[2:]):
            taken += 1
            yield scan(path, number=number)

    given = 0
    try:
        for one, report in engine(scans(), Job(recipe_toml="", recipe_origin="", out=str(out))):
            given += 1
            assert taken <= given + 3, "the window is not bounded"
            end = report.outcome.cause.value if isinstance(report.outcome, Failed) else "done"
            print(one.path, end, flush=True)
        print("end", flush=True)
        sys.stdin.readline()
    finally:
        engine.close()


if __name__ == "__main__":
    main()
