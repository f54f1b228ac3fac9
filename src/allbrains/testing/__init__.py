"""Heads with known truth, and datasets of them: for the demo, the tests and plug-in authors."""
