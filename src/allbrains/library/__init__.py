"""The library under the command line: every verb of ``allbrains``, for a notebook or a program.

Nothing here prints or exits. What is missing or wrong comes back as data, or as one of ``allbrains.errors``.
"""
