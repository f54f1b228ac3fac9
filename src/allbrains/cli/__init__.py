"""The command line: one file for each command; ``main`` alone knows exit codes."""
