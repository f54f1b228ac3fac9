"""Where scans come from. A source lists snapshots and their files; ``catalogue`` makes tables of them."""
