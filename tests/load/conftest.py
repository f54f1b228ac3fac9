"""A corpus of eleven tiny brains."""

import pyarrow as pa
import pytest

from allbrains.store.layout import Layout
from allbrains.testing.corpora import ToyStory, scan, write

COUNT = 11


@pytest.fixture(scope="session")
def eleven(tmp_path_factory):
    folder = tmp_path_factory.mktemp("eleven") / "out"
    scans = tuple(scan(number) for number in range(COUNT))
    people = pa.table(
        {"scan_id": [one.scan_id for one in scans], "age_years": [20.0 + n for n in range(COUNT)]}
    )
    write(Layout(folder), ToyStory(scans=scans, people=people))
    return folder
