"""Engines: where scans run, on this machine or on a cluster. An engine keeps no record."""
