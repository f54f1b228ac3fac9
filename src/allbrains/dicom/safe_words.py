"""Known words of descriptions. All other words stay unread: they may be a name. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

# what words speak for; matched anywhere in a text that was folded to letters and digits
LEXICON: dict[str, str] = {
    "t1": "t1 t1w spgr fspgr vibe thrive lava mprage memprage bravo tfl3d",
    "prepared": "mprage memprage bravo tfl3d irfspgr irspgr",
    "t2": "t2 t2w",
    "t2star": "t2* t2star swi swan susc hemo qsm medic megre merge swip r2star venobold",
    "flair": "flair tirm darkfluid",
    "pd": "pd pdw proton mtoff",
    "transfer": "mt mtw mton mtc mtsat",
    "balanced": "fiesta ciss trufi truefisp bffe btfe balanced dess psif",
    "diffusion": "dwi dti diff diffusion adc tracew hardi colfa tensor",
    "functional": "bold fmri rest resting task epi",
    "localiser": "loc localizer localiser scout survey aahead aascout smartbrain",
    "perfusion": "asl pasl pcasl perfusion perf dsc dce cbf cbv",
    "angiography": (
        "tof mra mrv angio angiography angiographie venography inhance cow willis vessel vessels "
        "carotid carotis gefaesse pca twist tricks fi3d"
    ),
    "field map": "fieldmap fmap b0map b1map shim afi rfmap",
    "receive field": (
        "bias prescan sensmap sensitivity smap calib calibration coil bodycoil refscan senserefscan "
        "coilsurvey receive rxmap asset"
    ),
    "inversion": "inv1 inv2",
    "map": "t1map t1images t2map r1map r2map pdmap mtmap",
    "uniform": "uni uniden",
    "mp2rage": "mp2rage",
    "segmentation": "mask seg dseg probseg aseg aparc defacemask labels",
    "derived": "reformat reformatted mip minip subtraction",
    "screenshot": "screen screenshot screensave capture snapshot",
    "contrast agent": "gd gad gado postcontrast km dotarem gadovist kontrast",
    "no agent": "precontrast ohne nativ without sans",
    "head": (
        "head brain cranial cranium skull kopf schaedel hirn cerveau crane tete cerebral cerebro cabeza neuro"
    ),
    "spine": (
        "spine cspine tspine lspine cervical thoracic lumbar sacral hws bws lws spinal myelon cord "
        "rachis vertebral wirbelsaeule neck hals larynx thyroid"
    ),
    "elsewhere": (
        "knee hip shoulder prostate breast liver abdomen cardiac heart pelvis wrist ankle elbow "
        "thorax kidney uterus"
    ),
}
# found also inside a text whose spaces and marks are gone
_JOINED = (
    *(
        "mprage",
        "mp2rage",
        "flair",
        "darkfluid",
        "localizer",
        "fieldmap",
        "t1map",
        "t1images",
        "r1map",
        "b1map",
    ),
    *("inv1", "inv2", "refscan", "bodycoil", "coilsurvey", "sensmap", "cspine", "tspine", "lspine", "fi3d"),
)
# parts of BodyPartExamined, and of the meanings of anatomic codes, letters only
_REGIONS: dict[str, str] = {
    "head": "HEAD BRAIN SKULL CRANI CEREB KOPF ENCEPH",
    "spine": "SPINE CERVIC NECK LUMB SACR HALS SPINAL LARYNX THYROID HWS",
    "elsewhere": (
        "KNEE HIP PROSTATE BREAST ABDOMEN CHEST HEART PELVIS SHOULDER WRIST ANKLE EXTREMITY LIVER "
        "LEG HAND FOOT KIDNEY UTERUS ELBOW THORA"
    ),
}
_CONTRASTS = {
    "T1": "t1",
    "T2": "t2",
    "T2_STAR": "t2star",
    "FLUID_ATTENUATED": "flair",
    "PROTON_DENSITY": "pd",
    "DIFFUSION": "diffusion",
    "PERFUSION": "perfusion",
    "TOF": "angiography",
    "FLOW_ENCODED": "angiography",
}
_TITLES = frozenset({"mr", "mrs", "ms", "dr", "prof", "herr", "frau", "mme", "jr", "sr"})
_NOBODY = frozenset(
    {"anonymous", "anonymized", "anonymised", "anonym", "anon", "unknown", "noname", "removed"}
)
_MEANING: dict[str, frozenset[str]] = {}
for _meaning, _forms in LEXICON.items():
    for _form in _forms.split():
        _MEANING[_form] = _MEANING.get(_form, frozenset()) | {_meaning}


def known_words(texts: Iterable[str]) -> frozenset[str]:
    """Return the meanings, keys of ``LEXICON``, of the known words in some texts."""
    found: set[str] = set()
    for text in texts:
        folded = unicodedata.normalize("NFKD", text).casefold()
        for piece in re.split(r"[^a-z0-9*]+", folded):
            found |= _MEANING.get(piece, frozenset())
            for part in re.findall(r"[a-z]+[12]?\*?|[a-z]+", piece):
                found |= _MEANING.get(part, frozenset())
        joined = re.sub(r"[^a-z0-9]+", "", folded)
        for form in _JOINED:
            if form in joined:
                found |= _MEANING.get(form, frozenset())
    return frozenset(found)


def contrast_words(told: Iterable[str]) -> frozenset[str]:
    """Return the meanings of an enhanced file's AcquisitionContrast; DICOM defines its words."""
    return frozenset(_CONTRASTS[word] for word in told if word in _CONTRASTS)


def region_of(examined: str, words: frozenset[str]) -> str:
    """Return the region of the body: ``head``, ``spine`` (the neck too), ``elsewhere``, or empty.

    A description goes before BodyPartExamined, which is often left as the last person's; the head goes before
    the neck, as a scan of both shows the head.

    Args:
        examined: BodyPartExamined, or the meaning of an anatomic code.
        words: meanings of known words in the descriptions.
    """
    letters = re.sub(r"[^A-Z]", "", examined.upper())
    told = {region for region, forms in _REGIONS.items() if any(form in letters for form in forms.split())}
    for found in (words, told):
        for region in ("head", "spine", "elsewhere"):
            if region in found:
                return region
    return ""


def name_words(name: str) -> tuple[str, ...]:
    """Return a person's name as folded words in alphabetic order: ``DOE^Jane`` and ``Jane Doe`` are one.

    Accents, titles and other writings of the name (after ``=``) are left out; what stands for a name that was
    taken away is none.
    """
    folded = unicodedata.normalize("NFKD", name.split("=", maxsplit=1)[0]).casefold()
    plain = "".join(letter for letter in folded if not unicodedata.combining(letter))
    words = set(filter(None, re.split(r"[^\w]+|_", plain))) - _TITLES
    return tuple(sorted(words - _NOBODY))
