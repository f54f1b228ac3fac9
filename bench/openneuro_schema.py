"""Compare the sandbox's schema with a real server's: ``python bench/openneuro_schema.py INTROSPECTION.json``.

Prints one line a difference; exit code 1 when there is any.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from allbrains.sandbox.graphql_schema import incompatibilities, sdl


def main(introspection: Path) -> int:
    found = incompatibilities(sdl(), json.loads(introspection.read_text()))
    print("\n".join(found) if found else "no difference")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
