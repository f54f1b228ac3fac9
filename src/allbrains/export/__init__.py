"""Samples as files that other programs read."""
