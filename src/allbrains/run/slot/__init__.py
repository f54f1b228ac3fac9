"""A slot: one warm child process that runs one scan at a time, under limits."""
