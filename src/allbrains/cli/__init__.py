"""The command line: one file a command; ``main`` alone knows exit codes."""
