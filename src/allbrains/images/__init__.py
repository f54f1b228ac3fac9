"""Image formats: one file each, and what they share: the promise of a header, and reading no more than it.

A format's ``promise(start)`` takes a file's first bytes and returns what they promise; it never sees the
stream, so no header can make it spend memory.
"""
