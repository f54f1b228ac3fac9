"""Reading a corpus: ``allbrains.open``."""

from allbrains.load.brains import Brain, Brains
from allbrains.load.opening import open_corpus as open

__all__ = ["Brain", "Brains", "open"]
