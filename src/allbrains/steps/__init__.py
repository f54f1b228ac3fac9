"""Processing steps of a scan: one file, one step, one line in the registry of ``allbrains.recipes``."""
