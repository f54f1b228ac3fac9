"""The statistics of the real OpenNeuro that the synthetic one is drawn from. Data, no code.

Counted in 1,780 public datasets (2026-06-28), their 25 to 110 mirrored trees, and 1,625
participants.tsv. Quantiles are (share of the population, value), joined by straight lines in log.
"""

Quantiles = tuple[tuple[float, float], ...]

FILES_PER_DATASET = 3500  # 7.08 million files in 1,847 datasets were 3,830; 7 million in 2,000 are 3,500
LARGEST_DATASET = 72_000  # files
LAST_ACCESSION = 7400  # ds007400: numbers are given once, and some are never published

# (share, modalities as the validator names them); the first word of each is the primary one
MODALITIES: tuple[tuple[float, tuple[str, ...]], ...] = (
    (0.474, ("mri_structural", "mri_functional")),
    (0.085, ("mri_structural",)),
    (0.068, ("mri_structural", "mri_functional", "mri_diffusion")),
    (0.017, ("mri_structural", "mri_diffusion")),
    (0.230, ("eeg",)),
    (0.040, ("ieeg",)),
    (0.030, ("meg",)),
    (0.028, ("mri_functional",)),
    (0.028, ()),
)

# subjects in a dataset
SUBJECTS: Quantiles = (
    (0.00, 1), (0.05, 1), (0.10, 3), (0.25, 12), (0.50, 25), (0.75, 46), (0.90, 83), (0.95, 133),
    (0.99, 337), (1.00, 1202),
)  # fmt: skip

# files of a subject before scaling to FILES_PER_DATASET
FILES_PER_SUBJECT: Quantiles = (
    (0.00, 3), (0.10, 7), (0.25, 11), (0.50, 25), (0.75, 70), (0.90, 220), (0.99, 700), (1.00, 1500),
)  # fmt: skip

# bytes of a T1w image
T1W_BYTES: Quantiles = (
    (0.00, 1.2e6), (0.01, 1.3e6), (0.05, 4.8e6), (0.10, 6.0e6), (0.25, 7.4e6), (0.50, 10.0e6),
    (0.75, 13.6e6), (0.90, 20.3e6), (0.95, 26.9e6), (0.99, 44.7e6), (1.00, 48.0e6),
)  # fmt: skip

# shares of the datasets with T1w
HAS_SESSIONS = 0.37
T1W_IN_EVERY_SESSION = 0.25  # of those with sessions; the others have them in the first one only
HAS_ACQUISITION = 0.13
TWO_ACQUISITIONS = 0.30  # of those with an acq- label
HAS_RUNS = 0.09
UNCOMPRESSED = 0.09
DERIVED_T1W = 0.08
SIDECAR_EACH, SIDECAR_AT_TOP = 0.60, 0.15  # the rest, mostly old datasets, have none
# shares of the subjects
WITHOUT_T1W = 0.10
SECOND_RUN = 0.30  # in datasets with runs

NO_SUMMARY = 14 / 1780
FIVE_DIGIT_TAG = 66 / 1847
DERIVATIVE_TYPE = 15 / 1146

# (share, as written); counted in datasets with T1w
SPECIES: tuple[tuple[float, str], ...] = (
    (0.570, "Human"), (0.377, ""), (0.025, "Mouse"), (0.017, "Rat"), (0.002, "Macaque"), (0.002, "Monkey"),
    (0.001, "canine"), (0.001, "Sheep"), (0.001, "Bat"), (0.001, "Pigeon"), (0.001, "baboon"),
    (0.001, "Other"), (0.001, "3D printed phantom"),
)  # fmt: skip
LICENSES: tuple[tuple[float, str], ...] = (
    (0.885, "CC0"), (0.018, "CCO"), (0.044, "PDDL"), (0.027, ""), (0.009, "CC-BY"), (0.009, "CC BY-NC"),
    (0.008, "Not Specified"),
)  # fmt: skip
DOI: tuple[tuple[float, str], ...] = (
    (0.575, "doi:10.18112/openneuro.{dataset}.v{tag}"),
    (0.301, "10.18112/openneuro.{dataset}.v{tag}"),
    (0.124, ""),
)
DEFACED: tuple[tuple[float, bool | None], ...] = ((0.627, True), (0.051, False), (0.322, None))
SESSIONS: tuple[tuple[float, tuple[str, ...]], ...] = (
    (0.35, ("01", "02")),
    (0.15, ("1", "2")),
    (0.10, ("pre", "post")),
    (0.25, ("01", "02", "03")),
    (0.15, ("baseline", "month3", "month6", "month12")),
)
LABEL_PREFIXES: tuple[tuple[float, str], ...] = (
    (0.75, ""), (0.08, "s"), (0.05, "P"), (0.05, "CON"), (0.04, "NDAR"), (0.03, "A0"),
)  # fmt: skip

# participants.tsv: shares of the datasets that have one, and what is wrong with it
PARTICIPANTS, AGE, SEX, HANDEDNESS, GROUP = 0.775, 0.83, 0.86, 0.25, 0.20
BOM, CRLF, NO_LAST_NEWLINE, NO_PREFIX = 59 / 1260, 9 / 1260, 309 / 1260, 39 / 1260
AGE_COLUMNS: tuple[tuple[float, str], ...] = (
    (0.874, "age"), (0.091, "Age"), (0.005, "AGE"), (0.010, "Age (years)"), (0.010, "age_scan"),
    (0.010, "Age_at_MRI_(months)"),
)  # fmt: skip
# how ages are written: {} is a number of years
AGE_STYLES: tuple[tuple[float, str], ...] = (
    (0.740, "int"), (0.235, "float"), (0.008, "range"), (0.003, "comma"), (0.006, "dicom"), (0.008, "capped"),
)  # fmt: skip
AGE_MISSING = 0.037
SEX_COLUMNS: tuple[tuple[float, str], ...] = (
    (0.800, "sex"), (0.118, "gender"), (0.050, "Gender"), (0.027, "Sex"), (0.005, "GENDER"),
)  # fmt: skip
# (female, male) as written; the digits mean what the Levels in participants.json say
SEX_STYLES: tuple[tuple[float, tuple[str, str]], ...] = (
    (0.735, ("F", "M")), (0.085, ("f", "m")), (0.055, ("female", "male")), (0.053, ("Female", "Male")),
    (0.026, ("0", "1")), (0.026, ("2", "1")), (0.020, ("W", "M")),
)  # fmt: skip
AGE_UNITS: tuple[tuple[float, str], ...] = ((0.600, "years"), (0.100, "year"), (0.300, ""))
