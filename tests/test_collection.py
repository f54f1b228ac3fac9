"""`make test` runs every test file: a folder's name once hid a hundred tests for as long as they existed."""

import shlex
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]

# Walks as pytest does, by its own rules, and says which files it would import, without importing them.
WALK = """
import sys, pytest
class Walk:
    @pytest.hookimpl(tryfirst=True)
    def pytest_ignore_collect(self, collection_path, config):
        if collection_path.is_file():
            print("found", collection_path)
            return True
sys.exit(pytest.main(["--collect-only", "--noconftest", "-p", "no:cacheprovider", *sys.argv[1:]], [Walk()]))
"""


def found(*arguments: str, root: Path = ROOT) -> set[Path]:
    """Return the files that pytest looks into when called so."""
    command = [sys.executable, "-c", WALK, *arguments]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True)
    assert done.returncode in (0, 5), done.stdout + done.stderr  # 5: no test is left, for none is imported
    return {Path(line.split(" ", 1)[1]) for line in done.stdout.splitlines() if line.startswith("found ")}


def test_make_test_collects_every_test_file():
    told = subprocess.run(["make", "-n", "test"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    _, _, arguments = next(line for line in told.splitlines() if "pytest" in line).partition("pytest ")
    tests = set((ROOT / "tests").rglob("test_*.py"))
    assert len(tests) > 100
    assert tests - found(*shlex.split(arguments)) == set()


def test_a_hidden_folder_would_be_found(tmp_path):
    for name in ("seen", "build"):
        (tmp_path / name).mkdir()
        (tmp_path / name / f"test_{name}.py").write_text("")
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    assert found(root=tmp_path) >= {tmp_path / "seen" / "test_seen.py"}
    assert tmp_path / "build" / "test_build.py" not in found(root=tmp_path)
