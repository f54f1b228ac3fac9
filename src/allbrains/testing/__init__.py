"""Heads whose truth is known, and datasets of them: for the demo, the tests and plug-in authors."""
