"""From planned scans to a corpus: plan, run each scan in a guarded process, record, seal."""
