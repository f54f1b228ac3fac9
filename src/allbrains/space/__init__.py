"""Grids, sampling between them, and the template space that everything ends in."""
