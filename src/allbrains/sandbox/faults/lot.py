"""The subjects that a fault hits: drawn by lot, the same for the same seed, and counted."""

from __future__ import annotations

import hashlib
from collections import Counter
from threading import Lock


class Lot:
    """The draw of one fault.

    A subject (a request, a dataset or a file, as text) is hit when a hash over seed, fault and subject
    falls below the share. Neither the order of requests nor their number changes which are hit.
    """

    def __init__(self, name: str, *, share: float = 1.0, times: int = 0, seed: int = 0) -> None:
        """Prepare the draw.

        Args:
            name: of the fault.
            share: of all subjects, 0-1.
            times: that a subject is hit before it is left in peace; 0 is for ever.
            seed: of the draw.
        """
        self.name, self.share, self.times, self.seed = name, share, times, seed
        self._hits: Counter[str] = Counter()
        self._lock = Lock()

    def draws(self, subject: str) -> bool:
        """Return whether the subject is among those that the fault hits."""
        text = f"{self.seed}\0{self.name}\0{subject}".encode()
        drawn = int.from_bytes(hashlib.sha256(text).digest()[:8])
        return drawn < self.share * 2**64

    def hit(self, subject: str) -> bool:
        """Return whether the fault strikes this time, and count it if so."""
        if not self.draws(subject):
            return False
        with self._lock:
            if self.times and self._hits[subject] >= self.times:
                return False
            self._hits[subject] += 1
        return True

    def hits(self) -> dict[str, int]:
        """Return how often each subject was hit."""
        with self._lock:
            return dict(self._hits)
