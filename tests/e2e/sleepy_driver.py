"""Runs sleepy scans on a cluster and prints the path of each as it ends: SITE OUT SCANS SECONDS TIMEOUT."""

import sys
from pathlib import Path

from allbrains.records import Algorithm, Digest, Done, Scan
from allbrains.run.engines.cluster_settings import fitted, read_site
from allbrains.run.engines.dask_cluster import Dask
from allbrains.run.slot.guard import SlotLimits
from allbrains.run.slot.job import Job


def main() -> None:
    site, out = read_site(Path(sys.argv[1])), Path(sys.argv[2])
    count, seconds, timeout = int(sys.argv[3]), sys.argv[4], float(sys.argv[5])
    (out / "notes").mkdir(parents=True)
    (out / "allbrains.json").touch()
    scans = [
        Scan(
            dataset="ds1",
            snapshot="1",
            path=f"scan-{number}",
            subject="01",
            session="",
            suffix="T1w",
            entities=(("sub", "01"),),
            size=1,
            digest=Digest(algorithm=Algorithm.MD5, hexdigest=f"{number:032x}"),
            urls=(str(out / "notes"), seconds),
        )
        for number in range(count)
    ]
    limits = fitted(SlotLimits(wall_s=timeout), site, wanted_mb=100)
    worker = (sys.executable, str(Path(__file__).with_name("sleepy_worker.py")))
    engine = Dask(site=site, limits=limits, slots=2, command=worker)
    try:
        for scan, report in engine(scans, Job(recipe_toml="", recipe_origin="", out=str(out))):
            assert report.outcome == Done(sha256=scan.scan_id, size=1), report
            print(scan.path, flush=True)
    finally:
        engine.close()


if __name__ == "__main__":
    main()
