"""``python -m allbrains``."""

from allbrains.cli.main import main

main()
