"""What is stated outranks what is guessed, and a guess is made only where nothing speaks of people."""

import pytest

from allbrains.catalogue.species import needs_readme, of_dataset, of_scan, sort_out
from allbrains.records import Algorithm, Digest, Scan
from allbrains.sources.snapshot import Exclusion, Snapshot


def scan(**entities):
    names = {"sub": "01"} | entities
    return Scan(
        dataset="ds000001",
        snapshot="1.0.0",
        path=f"sub-{names['sub']}/anat/{'_'.join(f'{k}-{v}' for k, v in names.items())}_T1w.nii.gz",
        subject=names["sub"],
        session="",
        suffix="T1w",
        entities=tuple(names.items()),
        size=10**6,
        digest=Digest(algorithm=Algorithm.MD5, hexdigest="0" * 32),
        urls=(),
    )


def reason(name="", species="", readme=""):
    found = of_dataset(Snapshot(dataset="ds000001", tag="1", name=name, species=species), readme)
    return found and found[0]


# names and statements of real datasets
@pytest.mark.parametrize(
    "name",
    [
        "Mouse_opto_DRN",
        "MouseLemurAtlas_MRIraw",
        "2016GinRatAnesth",
        "Macaque_MRI",
        "StandardRat",
        "In vivo T1w MRI of a TDP-43 knock-in mouse model of ALS-FTD",
        "resting state fMRI of 17 idiopathic epileptic dogs and 20 healthy control dogs",
        "Longitudinal in vivo MRI of C57BL6J mice: T1w, RARE T2w, PDw",
        "functional MRI of sleeping pigeons",
    ],
)
def test_names_of_animals(name):
    assert reason(name) is Exclusion.NON_HUMAN
    assert reason(name, species="Human") is None  # the owner knows better


@pytest.mark.parametrize(
    "name",
    [
        "CAT snacks functional plasticity",
        "MRI experiment with CAT Faces",
        "Neural responses to naturalistic clips of behaving animals in two different task contexts",
        "Phantom limb pain in amputees",
        "Computer mouse tracking during decisions",
        "Perception of dogs and cats",
        "Human and macaque homologues of area 55b in patients",
        "Chemo-Signaling in Male and Female Young Adults",
        "PREVENT-AD",
        "",
    ],
)
def test_names_that_only_sound_like_it(name):
    assert reason(name) is None


@pytest.mark.parametrize(
    "species", ["Mouse", "rat", "canine", "Nonhunam primates (Macaca mulatta)", "Bat ", "Other"]
)
def test_a_stated_species_decides(species):
    assert reason("A study of 30 healthy volunteers", species) is Exclusion.NON_HUMAN
    found = of_dataset(Snapshot(dataset="d", tag="1", species=species))
    assert found == (Exclusion.NON_HUMAN, f"species: {species.strip()}")


@pytest.mark.parametrize("species", ["Human", "human", "Homo sapiens", "Human, Macaque"])
def test_people_are_kept(species):
    assert reason("Sleep", species, "mice mice mice C57BL/6") is None


@pytest.mark.parametrize(
    ("name", "species", "expected"),
    [
        ("Traveling Spine 7T CoilQA Phantom", "Human", Exclusion.PHANTOM),
        ("QA", "3D printed phantom", Exclusion.PHANTOM),
        ("QA", "Phantom Human", Exclusion.PHANTOM),
        ("2024Phantom3D", "", Exclusion.PHANTOM),
        ("7 Tesla MRI of the ex vivo human brain at 100 micron resolution", "", Exclusion.EX_VIVO),
        ("a 3-D ex vivo MRI atlas and serial histology", "Human", Exclusion.EX_VIVO),
        ("From in vivo to ex vivo: the same brains twice", "", None),
    ],
)
def test_phantoms_and_dead_brains(name, species, expected):
    assert reason(name, species) is expected


@pytest.mark.parametrize(
    ("readme", "expected"),
    [
        ("Twelve Sprague-Dawley animals were scanned.", Exclusion.NON_HUMAN),
        ("Mice were anaesthetised. The mice breathed freely.", Exclusion.NON_HUMAN),
        ("The brains were scanned ex vivo. Post-mortem interval: 24 h", Exclusion.EX_VIVO),
        ("A phantom in a head coil. The phantom was still.", Exclusion.PHANTOM),
        ("30 volunteers moved a mouse. The mouse had two buttons. C57BL", None),
        ("A phantom was scanned before each session.", None),
        ("Rats! It rained.", None),
        ("", None),
    ],
)
def test_readmes(readme, expected):
    assert reason("Dataset", readme=readme) is expected


def test_only_a_blank_statement_needs_the_readme():
    assert needs_readme(Snapshot(dataset="d", tag="1"))
    assert not needs_readme(Snapshot(dataset="d", tag="1", species="Human"))


@pytest.mark.parametrize(
    ("entities", "species", "expected"),
    [
        ({"sub": "phantom1"}, None, Exclusion.PHANTOM),
        ({"sub": "AGARPHANTOM"}, None, Exclusion.PHANTOM),
        ({"sub": "rat03"}, None, Exclusion.NON_HUMAN),
        ({"acq": "exvivo"}, None, Exclusion.EX_VIVO),
        ({}, "mus musculus", Exclusion.NON_HUMAN),
        ({}, "homo sapiens", None),
        ({"sub": "ratio"}, None, None),
        ({"sub": "pigott01"}, None, None),
        ({"sub": "01", "acq": "mprage"}, None, None),
    ],
)
def test_single_scans(entities, species, expected):
    found = of_scan(scan(**entities), species)
    assert (found and found[0]) is expected


def test_each_scan_is_kept_or_has_a_row_with_the_evidence():
    scans = [scan(sub="01"), scan(sub="phantom"), scan(sub="02")]
    snapshot = Snapshot(dataset="ds000001", tag="1.0.0")
    kept, rows = sort_out(
        snapshot, scans, species=lambda one: "canis familiaris" if one.subject == "02" else None
    )
    assert kept == (scans[0],)
    assert [(row.path, row.reason, row.evidence) for row in rows] == [
        (scans[1].path, "phantom", "sub-phantom"),
        (scans[2].path, "non_human", "participants: species canis familiaris"),
    ]
    kept, rows = sort_out(Snapshot(dataset="ds000001", tag="1.0.0", species="Rat"), scans)
    assert (kept, len(rows)) == ((), 3)
