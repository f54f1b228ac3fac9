"""pydicom, made silent: its warnings and log lines quote the values that it stumbles over."""

from __future__ import annotations

import logging
import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

# What reading a file from a stranger with pydicom can raise; see its tests of broken files.
_ERRORS: tuple[type[Exception], ...] = (
    OSError,
    EOFError,
    ValueError,
    TypeError,
    KeyError,
    AttributeError,
    NotImplementedError,
    IndexError,
    OverflowError,
    RecursionError,
    MemoryError,
    struct.error,
    LookupError,
    AssertionError,
)


@contextmanager
def pydicom_quietly() -> Iterator[tuple[Any, tuple[type[Exception], ...]]]:
    """Give pydicom and the exceptions to catch from it; inside, it neither warns nor logs."""
    import pydicom
    from pydicom.errors import BytesLengthException, InvalidDicomError

    logger = logging.getLogger("pydicom")
    was = logger.disabled
    mode = pydicom.config.settings.reading_validation_mode
    logger.disabled = True
    pydicom.config.settings.reading_validation_mode = pydicom.config.IGNORE
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield pydicom, (*_ERRORS, InvalidDicomError, BytesLengthException)
    finally:
        logger.disabled = was
        pydicom.config.settings.reading_validation_mode = mode
