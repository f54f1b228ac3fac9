"""Baselines that a corpus brings along: age, sex, and a contrastive embedding; small, readable PyTorch.

``experiment.learn()`` is the whole of it on one screen. Everything random depends on the seed, the epoch and
the scan alone, so a run that was interrupted ends as one that wasn't.
"""
