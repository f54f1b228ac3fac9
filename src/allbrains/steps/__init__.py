"""What is done to a scan: one file, one step, one line in the registry of ``allbrains.recipes``."""
