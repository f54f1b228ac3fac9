"""Image formats, one file each. They share the size check: no more is read than the header promises.

A format's ``promise(start)`` takes a file's first bytes and returns what they promise; it never sees the
stream, so no header can make it spend memory.
"""
