"""A whole synthetic OpenNeuro, made from a seed: listings of all files, content of texts and T1w.

Datasets, subjects, sessions, files, sizes and participants are drawn so that their statistics are those
of the real archive (``figures``). Nobody is in it: names, ages and voxels are made up.

What can be fetched, with digests that are true: the text files of each dataset, the T1w images and
their sidecars. Every other file is a row in a listing only; its digest belongs to no content, and the
bucket says 404.
"""

from allbrains.sandbox.simulated.simulated_archive import SimulatedArchive

__all__ = ["SimulatedArchive"]
