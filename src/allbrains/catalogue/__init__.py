"""The catalogue: the tables of datasets, scans and participants that are made from a source, and kept."""
