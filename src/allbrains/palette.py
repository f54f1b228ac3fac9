"""The colours of our charts on a light ground: one sex has one colour, whichever chart it stands in. Pure.

The report's page and the own scan's page have the same ones in their style sheets, with lighter ones for a
dark ground. Female and male differ in brightness, too, so that they are told apart without red and green.
"""

from __future__ import annotations

SEXES = {"female": "#b3478f", "male": "#2a6fbf", "other": "#5c8a3a", "unknown": "#667080"}
ACCENT = "#1f5fd0"  # what a chart is about, where it is about no sex
QUIET = "#667080"  # the rest of it
LIMIT = "#8a5a00"  # a limit that a value should keep to
