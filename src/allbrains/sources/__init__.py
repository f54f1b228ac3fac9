"""Where scans come from: OpenNeuro, BIDS folders, image files."""
