"""A cluster's description: what it says is what is asked for, and a slip is told before anything starts."""

import pytest

from allbrains.errors import ConfigurationError
from allbrains.run.engines.cluster_settings import (
    ClusterSite,
    checked,
    drain_s,
    fitted,
    megabytes,
    read_site,
    seconds,
)
from allbrains.run.slot.guard import SlotLimits


def test_a_file_says_what_differs_from_the_defaults(tmp_path):
    file = tmp_path / "site.toml"
    file.write_text(
        'kind = "slurm"\nqueue = "cpu"\naccount = "brains"\njobs = 40\ncores = 4\nmemory = "24GB"\n'
        'prologue = ["module load python"]\n'
    )
    assert read_site(file) == ClusterSite(
        kind="slurm",
        queue="cpu",
        account="brains",
        jobs=40,
        cores=4,
        memory="24GB",
        prologue=("module load python",),
    )


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('kind = "slurm"\npartition = "cpu"', "no such setting: 'partition'"),
        ('kind = "ray"', "ray"),
        ("jobs = 0", "at least one job"),
        ('memory = "much"', "not a size"),
        ('walltime = "4h"', "not a time"),
        ('kind = "address"\naddress = "head:8786"', "tls://host:port"),
        ('kind = "address"\naddress = "tcp://head:8786"', "without TLS"),
        ('kind = "address"\naddress = "tls://head:8786"', "ca, cert and key"),
        ("jobs = ", "site.toml"),
    ],
)
def test_a_slip_is_a_configuration_error(tmp_path, text, complaint):
    file = tmp_path / "site.toml"
    file.write_text(text)
    with pytest.raises(ConfigurationError, match=complaint):
        read_site(file)


def test_plaintext_must_be_asked_for():
    site = ClusterSite(kind="address", address="tcp://127.0.0.1:1", plaintext=True)
    assert checked(site) == site


def test_our_limit_is_hit_before_the_jobs():
    site = ClusterSite(kind="slurm", cores=4, memory="16GB")
    limits = fitted(SlotLimits(), site, wanted_mb=2500)
    assert limits.memory_mb * site.cores < megabytes(site.memory)
    with pytest.raises(ConfigurationError, match="the recipe wants 5000 MB"):
        fitted(SlotLimits(), site, wanted_mb=5000)
    assert fitted(SlotLimits(), ClusterSite(), wanted_mb=5000) == SlotLimits()


def test_the_last_scan_ends_before_the_job_does():
    site = ClusterSite(kind="slurm", walltime="04:00:00")
    assert drain_s(SlotLimits(), site) + SlotLimits().wall_s < seconds(site.walltime)
    with pytest.raises(ConfigurationError, match="too short"):
        fitted(SlotLimits(), ClusterSite(kind="slurm", walltime="00:30:00"), wanted_mb=1)
    assert drain_s(SlotLimits(), ClusterSite()) == 0


@pytest.mark.parametrize(
    ("text", "value"), [("00:01:00", 60), ("08:00:00", 28800), ("1-12:00:00", 129600), ("100:00:00", 360000)]
)
def test_times(text, value):
    assert seconds(text) == value


@pytest.mark.parametrize(("text", "value"), [("500MB", 500), ("1.5 GB", 1500), ("1GiB", 1073.741824)])
def test_sizes(text, value):
    assert megabytes(text) == value


def test_scans_at_once_make_the_number_of_jobs():
    assert ClusterSite(kind="slurm", cores=4).at_once(10).jobs == 3
