"""The codec: encode and decode are inverse, and damage is an error, not another brain."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from allbrains.errors import CorpusError
from allbrains.store import codec

INTEGERS = st.sampled_from(["uint8", "int8", "uint16", "int16", "uint32", "int32"])
ANY = INTEGERS.flatmap(
    lambda kind: arrays.arrays(kind, arrays.array_shapes(min_dims=1, max_dims=4, max_side=9))
)


@settings(max_examples=60, deadline=None)
@given(ANY)
def test_decode_of_encode_is_the_array(array):
    decoded = codec.decode(codec.encode(array), array.shape, array.dtype.name)
    np.testing.assert_array_equal(decoded, array)


@settings(max_examples=20, deadline=None)
@given(ANY)
def test_layout_in_memory_does_not_matter(array):
    assert codec.encode(np.asfortranarray(array)) == codec.encode(array)
    assert codec.encode(array.astype(array.dtype.newbyteorder(">"))) == codec.encode(array)


def test_a_chunk_of_another_size_is_an_error():
    chunk = codec.encode(np.arange(60, dtype=np.uint16))
    with pytest.raises(CorpusError, match=r"for 120.*expected .* for 122"):
        codec.decode(chunk, (61,), "uint16")


@pytest.mark.parametrize("damage", [b"", b"\0" * 5, b"not a chunk of blosc2 at all, but long enough for one"])
def test_what_is_no_chunk_is_an_error(damage):
    with pytest.raises(CorpusError):
        codec.decode(damage, (60,), "uint16")


def test_a_cut_chunk_is_an_error():
    chunk = codec.encode(np.random.default_rng(0).integers(0, 1000, 5000, dtype=np.uint16))
    with pytest.raises(CorpusError):
        codec.decode(chunk[:-7], (5000,), "uint16")


def test_the_checksum_is_crc_32():
    assert codec.checksum(b"123456789") == 0xCBF43926  # check value of the CRC catalogue, CRC-32/ISO-HDLC
