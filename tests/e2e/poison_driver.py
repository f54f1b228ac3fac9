"""Runs poison scans by Dask on this machine: OUT PATH…; prints how each ends, then waits for a line."""

import sys
from pathlib import Path

from allbrains.records import Failed
from allbrains.run.engines.cluster_settings import ClusterSite
from allbrains.run.engines.dask_cluster import Dask
from allbrains.run.slot.guard import SlotLimits
from allbrains.run.slot.job import Job
from tests.run.slots import POISON, scan


def main() -> None:
    out = Path(sys.argv[1])
    (out / "allbrains.json").touch()
    limits = SlotLimits(wall_s=4, memory_mb=300, disk_mb=50)
    engine = Dask(site=ClusterSite(), limits=limits, slots=2, command=POISON)
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
