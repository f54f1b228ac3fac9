"""Files appear whole or not at all."""

import errno

import pytest

from allbrains.errors import ConfigurationError, CorpusError, TransientError
from allbrains.files import publishing


def test_nothing_is_seen_before_the_end(tmp_path):
    target = tmp_path / "a" / "b" / "file"
    with publishing(target) as temporary:
        temporary.write_bytes(b"whole")
        assert not target.exists()
    assert target.read_bytes() == b"whole"
    assert list(target.parent.iterdir()) == [target]


def write_half(target, error):
    with publishing(target) as temporary:
        temporary.write_bytes(b"half")
        raise error


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (errno.ENOSPC, TransientError),
        (errno.EDQUOT, TransientError),
        (errno.EIO, CorpusError),
        (errno.EROFS, ConfigurationError),
    ],
)
def test_what_the_system_says_is_told_and_nothing_stays_behind(tmp_path, code, kind):
    target = tmp_path / "file"
    target.write_bytes(b"before")
    with pytest.raises(kind, match="file"):
        write_half(target, OSError(code, "as the system would"))
    assert target.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [target]


def test_a_file_where_a_folder_should_be(tmp_path):
    (tmp_path / "out").write_text("a file")
    with pytest.raises(ConfigurationError, match="can't write"), publishing(tmp_path / "out" / "file"):
        pass
