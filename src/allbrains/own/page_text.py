"""What the page says in words. Pure."""

from __future__ import annotations

# reason of ``verdict.LIMITS`` → what it means for a person
QUALITY = {
    "orientation_unknown": "The file doesn't say which side is left.",
    "side_unknown": "Nothing credible says which side is left.",
    "spacing_unknown": "The file doesn't say credibly how long a voxel is, so no volume can be trusted.",
    "header_axes_conflict": "The file contradicts itself about which side is left.",
    "header_axes_wrong": "The head lies another way than the file says; it was turned.",
    "orientation_margin": "The head fits as well lying another way than the file says.",
    "spacing_max_mm": "Its voxels are too long in one direction.",
    "fwhm_anisotropy": "It is blurred in one direction: motion, or interpolation.",
    "cut_by_fov": "The brain touches the edge of the image.",
    "brain_outside_fov": "A part of the brain is outside the image.",
    "cut_by_void": "A part of the brain was cut away, perhaps with the face.",
    "non_finite_in_brain": "Parts of the brain have no value in the file.",
    "brain_mask_ml": "The brain that was found is smaller or larger than brains of that age are.",
    "affine_turn_deg": "The head lies turned further than heads lie in a scanner.",
    "affine_anisotropy": "The head is longer in one direction than heads are: voxel edges may be wrong.",
    "mask_sphericity": "The outline that was found doesn't look like a brain.",
    "wm_to_gm_affine": "White matter is not brighter than grey: this may be no T1-weighted image.",
    "template_correlation_affine": "It doesn't match the template well.",
    "template_correlation": "It doesn't match the template well, even when bent.",
    "template_mask_dice": "Its outline differs from the template's after registration.",
    "folded_fraction": "The registration folded space somewhere.",
    "left_right_ratio": "One half of the brain came out much larger than the other.",
    "left_right_correlation": "The two halves look very different.",
    "reject_probability": "White matter is so uneven that an expert may well reject it: motion or noise.",
    "cjv": "Grey and white matter are hard to tell apart: motion, noise or uneven brightness.",
    "csf_fraction": "The share of fluid is outside of what is seen in people.",
    "gm_fraction": "The share of grey matter is outside of what is seen in people.",
    "wm_fraction": "The share of white matter is outside of what is seen in people.",
}

NO_DIAGNOSIS = (
    "This is no diagnosis and no medical device. It can't tell whether a brain is healthy, and it doesn't "
    "look for tumours, bleedings, inflammation or anything else that a radiologist looks for. If you are "
    "worried, or if something here worries you, ask the doctor who ordered the scan."
)

LIMITS = (
    "A centile says how many people of the corpus, of the same age and sex, have less. Low and high are no "
    "better and no worse: somebody is at the 5th centile of everything, and most of them are well. Of eleven "
    "numbers, it is usual to have one beyond the 5th or the 95th.",
    "Another scanner, another sequence or another head coil moves these volumes by several percent, as much "
    "as years of age do. The corpus holds many scanners, and yours is not among them.",
    "Two scans of the same person differ too: by a percent or two, and by more after motion or thirst.",
    "The people of the corpus volunteered for studies. They are no sample of all people, and of some ages, "
    "countries and origins there are few.",
    "Head size is estimated from how much the template had to be scaled; it is no measured volume.",
    "One scan says nothing about change. Two scans on two scanners say little about it.",
)

PRIVACY = (
    "Name, birth date, ids, places and dates were neither written nor kept; age and sex were used for the "
    "comparison on this page only. Nothing left this machine. The brain itself can't be made anonymous: its "
    "shape is as personal as a fingerprint. Think before you share this folder."
)
