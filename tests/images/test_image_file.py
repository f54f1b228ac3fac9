"""Headers from strangers: what is believed, what is refused, and that nothing moves in the world."""

import gzip
import io
import struct
from functools import partial

import nibabel
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allbrains.errors import Reason, ScanUnusable
from allbrains.images.gunzip import Gunzip
from allbrains.images.image_file import read_case, read_image
from allbrains.testing.broken import BROKEN
from allbrains.testing.datasets import nifti_bytes

AFFINE = np.array([[-1.2, 0.1, 0, 40], [0.1, 1.0, 0.2, -60], [0, -0.2, 1.5, -30], [0, 0, 0, 1]])
QUATERN_B_AT, QOFFSET_AT, SROW_X_AT, PIXDIM_AT, UNITS_AT, SLOPE_AT, DIM_AT = 256, 268, 280, 76, 123, 112, 40
VOX_OFFSET_AT = 108


def picture(dtype="int16") -> np.ndarray:
    return np.arange(6 * 7 * 8).reshape(6, 7, 8).astype(dtype)


def rigid(spacing=(1.2, 1.0, 1.5), flip=(1, 1, 1)) -> np.ndarray:
    c, s = np.cos(0.2), np.sin(0.2)
    affine = np.eye(4)
    affine[:3, :3] = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]) * np.multiply(spacing, flip)
    affine[:3, 3] = (20, -30, 10)
    return affine


def nifti(array=None, *, sform=None, qform=None, scode=1, qcode=1, kind=nibabel.Nifti1Image) -> bytes:
    image = kind(picture() if array is None else array, np.eye(4))
    image.set_sform(*((None, 0) if sform is None else (sform, scode)))
    image.set_qform(*((None, 0) if qform is None else (qform, qcode)))
    return image.to_bytes()


@pytest.fixture
def read(tmp_path):
    def reading(data: bytes):
        (tmp_path / "file").write_bytes(data)
        return read_case(tmp_path / "file")

    return reading


def patched(data: bytes, at: int, form: str, *values) -> bytes:
    out = bytearray(data)
    struct.pack_into(form, out, at, *values)
    return bytes(out)


@pytest.mark.parametrize("name", BROKEN)
def test_each_broken_file_is_refused_with_its_reason(name, read):
    breaking, reason = BROKEN[name]
    if reason in (Reason.NON_FINITE, Reason.CONSTANT):
        read(breaking(picture(), AFFINE))  # their headers are sound: a step judges their voxels
        return
    array = np.random.default_rng(0).integers(0, 900, (40, 50, 60)).astype(np.int16)  # packs badly
    with pytest.raises(ScanUnusable) as caught:
        read(breaking(array, AFFINE))
    assert caught.value.reason is reason


@pytest.mark.parametrize("dtype", ["u1", "i1", "i2", "u2", "i4", "u4", "i8", "u8", "f4", "f8", ">i2", ">f4"])
@pytest.mark.parametrize("kind", [nibabel.Nifti1Image, nibabel.Nifti2Image])
def test_every_number_type_comes_out_as_float32(dtype, kind, read):
    array = picture("f8") % 100
    header = kind.header_class(endianness=">" if dtype[0] == ">" else "<")
    image = kind(array.astype(dtype), AFFINE, header, dtype=np.dtype(dtype))
    out = read(gzip.compress(image.to_bytes())).images["t1w"]
    assert out.array.dtype == np.float32
    np.testing.assert_array_equal(out.array, array)
    np.testing.assert_allclose(out.affine, AFFINE, atol=1e-6)


@pytest.mark.parametrize(
    ("slope", "intercept", "factor", "plus"),
    [
        (0, 0, 1, 0),
        (0, 5, 1, 0),
        (np.nan, np.nan, 1, 0),
        (np.inf, 1, 1, 0),
        (2, 3, 2, 3),
        (0.5, np.nan, 0.5, 0),
        (1, 7, 1, 7),
    ],
)
def test_a_slope_of_0_or_nan_scales_nothing(slope, intercept, factor, plus, read):
    out = read(patched(nifti_bytes(picture(), AFFINE), SLOPE_AT, "<2f", slope, intercept))
    np.testing.assert_array_equal(out.images["t1w"].array, picture("f4") * factor + plus)


@pytest.mark.parametrize("tail", [(1,), (1, 1), (0,)])
def test_one_frame_is_no_fourth_dimension(tail, read):
    data = patched(
        nifti_bytes(picture(), AFFINE), DIM_AT, f"<{4 + len(tail)}h", 3 + len(tail), 6, 7, 8, *tail
    )
    np.testing.assert_array_equal(read(data).images["t1w"].array, picture())


@pytest.mark.parametrize("offset", [0, 352, 1000, 203440])
def test_voxels_start_where_the_header_says_if_that_is_after_it(offset, read):
    data = nifti_bytes(picture(), AFFINE)
    held = data[:352] + bytes(max(offset - 352, 0)) + data[352:]
    out = read(gzip.compress(patched(held, VOX_OFFSET_AT, "<f", offset)))
    np.testing.assert_array_equal(out.images["t1w"].array, picture())


@pytest.mark.parametrize("offset", [1e9, np.nan])
def test_voxels_that_start_nowhere_are_refused(offset, read):
    with pytest.raises(ScanUnusable) as caught:
        read(patched(nifti_bytes(picture(), AFFINE), VOX_OFFSET_AT, "<f", offset))
    assert caught.value.reason is Reason.CORRUPT


@pytest.mark.parametrize("flip", [(1, 1, 1), (-1, 1, 1), (-1, -1, -1)])
@pytest.mark.parametrize(
    ("forms", "source"), [(("sform",), "sform"), (("qform",), "qform"), (("sform", "qform"), "sform")]
)
def test_either_form_gives_the_place_whatever_the_determinant(forms, source, flip, read):
    case = read(nifti(**dict.fromkeys(forms, rigid(flip=flip))))
    np.testing.assert_allclose(case.images["t1w"].affine, rigid(flip=flip), atol=1e-5)
    assert case.texts["orientation_from"] == source
    assert not any(case.numbers.values())
    assert "header_doubts" not in case.texts


def test_forms_that_disagree_on_left_and_right_are_told(read):
    case = read(nifti(sform=rigid(), qform=rigid(flip=(-1, 1, 1))))
    np.testing.assert_allclose(case.images["t1w"].affine, rigid(), atol=1e-5)
    assert case.numbers["header_axes_conflict"] == 1


def test_an_sform_into_another_brain_that_stretches_gives_way_to_the_scanner(read):
    stretched = np.diag([1.1, 1.2, 1.1, 1]) @ rigid()
    case = read(nifti(sform=stretched, scode=4, qform=rigid()))
    np.testing.assert_allclose(case.images["t1w"].affine, rigid(), atol=1e-5)
    for codes in ({"scode": 1}, {"scode": 4, "qcode": 2}):
        case = read(nifti(sform=stretched, qform=rigid(), **codes))
        np.testing.assert_allclose(case.images["t1w"].affine, stretched, atol=1e-5)


def test_a_singular_sform_gives_way_to_a_sound_qform(read):
    data = patched(nifti(sform=rigid(), qform=rigid()), SROW_X_AT, "<4f", 0, 0, 0, 0)
    case = read(data)
    assert case.texts["orientation_from"] == "qform"
    np.testing.assert_allclose(case.images["t1w"].affine, rigid(), atol=1e-5)


@pytest.mark.parametrize(
    ("patch", "said"),
    [
        ((QUATERN_B_AT, "<3f", 1, 1, 1), "quaternion has length 1.732"),
        ((QUATERN_B_AT, "<f", np.nan), "quaternion has NaN"),
        ((PIXDIM_AT + 4, "<f", -1.0), "voxels of -1 × 1 × 1.5 mm"),
        ((QOFFSET_AT, "<f", np.nan), "affine has NaN"),
        ((QOFFSET_AT, "<f", np.inf), "affine has infinity"),
    ],
)
def test_a_quaternion_or_voxel_that_can_not_be_is_refused_with_its_true_reason(patch, said, read):
    with pytest.raises(ScanUnusable, match=said) as caught:
        read(patched(nifti(qform=rigid()), *patch))
    assert caught.value.reason is Reason.BAD_AFFINE


@pytest.mark.parametrize("qfac", [0.0, 1.0, 2.0, float("nan")])
def test_a_qfac_that_says_nothing_is_1(qfac, read):
    case = read(patched(nifti(qform=rigid()), PIXDIM_AT, "<f", qfac))
    np.testing.assert_allclose(case.images["t1w"].affine, rigid(), atol=1e-5)


def test_a_quaternion_too_long_by_a_rounding_error_is_read(read):
    upside_down = np.diag([1.2, -1.0, -1.5, 1.0])
    upside_down[:3, 3] = (-3, 4, 6)
    case = read(patched(nifti(qform=upside_down), QUATERN_B_AT, "<f", 1.0003))
    np.testing.assert_allclose(case.images["t1w"].affine, upside_down, atol=1e-5)


@pytest.mark.parametrize("tail", [b"cut from a longer file", b"\x1f"])
def test_bytes_after_the_gzip_stream_are_passed_over_and_told(tail, read):
    data = gzip.compress(nifti(sform=rigid()))
    case = read(data + tail)
    np.testing.assert_array_equal(case.images["t1w"].array, picture())
    assert case.texts["file_warning"].startswith(f"{len(tail)} bytes after the end")
    for quiet in (data, data + bytes(5000)):  # a padding of zeros is usual
        assert "file_warning" not in read(quiet).texts


@settings(max_examples=60, deadline=None)
@given(content=st.binary(max_size=4000), cut=st.integers(1, 4000), size=st.integers(1, 5000), at=st.data())
def test_a_gzip_file_of_many_members_is_read_whole_or_is_cut(content, cut, size, at):
    parts = [content[k : k + cut] for k in range(0, len(content), cut)] or [b""]
    packed = b"".join(gzip.compress(part, mtime=0) for part in parts)
    assert Gunzip(io.BytesIO(packed)).read() == content
    pieces = iter(partial(Gunzip(io.BytesIO(packed)).read, size), b"")
    assert b"".join(pieces) == content
    end = at.draw(st.integers(0, len(packed) - 1))
    try:
        found = Gunzip(io.BytesIO(packed[:end])).read()
    except EOFError:
        return
    assert content.startswith(found)  # cut between two members, or within the next one's mark


def test_without_any_form_left_and_right_are_unknown(read):
    case = read(nifti())
    assert case.texts["orientation_from"] == "nothing"
    assert case.texts["header_doubts"].startswith("the header says nothing")
    assert case.numbers["orientation_unknown"] == case.numbers["side_unknown"] == 1
    assert nibabel.aff2axcodes(case.images["t1w"].affine) == ("L", "A", "S")


@pytest.mark.parametrize(("unit", "factor"), [(1, 0.001), (3, 1000)])
def test_other_units_are_believed_only_where_they_make_a_head(unit, factor, read):
    for scale in (factor, 1.0):  # a true header, and one that says its unit wrongly
        data = nifti(sform=np.diag([scale, scale, scale, 1]) @ rigid())
        out = read(patched(data, UNITS_AT, "<B", unit)).images["t1w"]
        np.testing.assert_allclose(out.affine, rigid(), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("dtype", ["u1", "i2", "i4", "f4"])
def test_mgh_is_read_as_nibabel_writes_it(dtype, read):
    array = (picture() % 100).astype(dtype)
    data = nibabel.MGHImage(array, rigid()).to_bytes()
    for stored in (data, gzip.compress(data)):
        out = read(stored).images["t1w"]
        np.testing.assert_array_equal(out.array, array)
        np.testing.assert_allclose(out.affine, rigid(), atol=1e-5)


def test_mgh_without_directions_is_coronal_and_says_so(read):
    data = nibabel.MGHImage(picture("f4"), np.eye(4)).to_bytes()
    case = read(patched(data, 28, ">h", 0))
    assert nibabel.aff2axcodes(case.images["t1w"].affine) == ("L", "I", "A")
    assert case.numbers["orientation_unknown"] == 1


def nrrd(fields: str, array: np.ndarray, *, packed: bool = False) -> bytes:
    body = array.tobytes(order="F")
    return f"NRRD0004\n# made by hand\n{fields}\n\n".encode() + (gzip.compress(body) if packed else body)


LPS = np.diag([-1.0, -1.0, 1.0, 1.0])


def nrrd_fields(affine: np.ndarray, space: str, sizes: str, before: str = "") -> str:
    columns = [f"({','.join(map(repr, affine[:3, k].tolist()))})" for k in range(3)]
    return (
        f"space: {space}\nsizes: {sizes}\nspace directions: {before}{' '.join(columns)}\n"
        f"space origin: ({','.join(map(repr, affine[:3, 3].tolist()))})"
    )


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("kind", [("short", "<i2"), ("unsigned char", "u1"), ("float", "<f4")])
@pytest.mark.parametrize(("space", "turn"), [("left-posterior-superior", LPS), ("RAS", np.eye(4))])
def test_nrrd_lands_where_it_says(packed, kind, space, turn, read):
    name, dtype = kind
    array = (picture() % 100).astype(dtype)
    fields = nrrd_fields(turn @ rigid(), space, "6 7 8")
    fields += f"\ntype: {name}\nendian: little\nencoding: {'gzip' if packed else 'raw'}"
    case = read(nrrd(fields, array, packed=packed))
    np.testing.assert_array_equal(case.images["t1w"].array, array)
    np.testing.assert_allclose(case.images["t1w"].affine, rigid())
    assert case.numbers["orientation_unknown"] == 0


def test_nrrd_with_an_axis_of_one_frame_first(read):
    fields = nrrd_fields(LPS @ rigid(), "left-posterior-superior", "1 6 7 8", before="none ")
    case = read(nrrd(f"{fields}\ntype: int16\nendian: big\nencoding: raw", picture(">i2")[None]))
    np.testing.assert_array_equal(case.images["t1w"].array, picture())
    np.testing.assert_allclose(case.images["t1w"].affine, rigid())


def test_nrrd_without_directions_says_that_left_is_unknown(read):
    fields = "type: uint8\nsizes: 6 7 8\nspacings: 1.5 2 1\nencoding: raw"
    case = read(nrrd(fields, picture("u1")))
    assert case.images["t1w"].spacing == (1.5, 2.0, 1.0)
    assert case.numbers["orientation_unknown"] == 1


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (("raw", "bzip2"), Reason.UNREADABLE),
        (("encoding", "data file: other.raw\nencoding"), Reason.UNREADABLE),
        (("6 7 8", "6 7 8 9"), Reason.NOT_3D),
        (("6 7 8", "9000 7 8"), Reason.TOO_LARGE),
        (("6 7 8", "2000 2000 2000"), Reason.TOO_LARGE),
        (("6 7 8", "6 7 80"), Reason.TRUNCATED),
        (("6 7 8", "six"), Reason.UNREADABLE),
        (("uint8", "block"), Reason.UNREADABLE),
        (("1.5 2 1", "1.5 0 1"), Reason.BAD_AFFINE),
    ],
)
def test_what_an_nrrd_may_not_promise(change, reason, read):
    fields = "type: uint8\nsizes: 6 7 8\nspacings: 1.5 2 1\nencoding: raw"
    with pytest.raises(ScanUnusable) as caught:
        read(nrrd(fields.replace(*change), picture("u1")))
    assert caught.value.reason is reason


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_a_scrambled_header_is_read_or_refused_and_nothing_else(data, tmp_path_factory):
    kind = data.draw(st.sampled_from(["nifti", "mgh", "nrrd"]))
    made = {
        "nifti": lambda: nifti(sform=rigid(), qform=rigid()),
        "mgh": lambda: nibabel.MGHImage(picture("f4"), rigid()).to_bytes(),
        "nrrd": lambda: nrrd("type: uint8\nsizes: 6 7 8\nspacings: 1 1 1\nencoding: raw", picture("u1")),
    }
    scrambled = bytearray(made[kind]())
    for at, value in data.draw(st.lists(st.tuples(st.integers(0, 351), st.integers(0, 255)), max_size=6)):
        scrambled[at] = value
    path = tmp_path_factory.mktemp("scrambled") / "file"
    path.write_bytes(scrambled[: data.draw(st.sampled_from([len(scrambled), 400, 100, 10]))])
    try:
        volume = read_image(path)
    except ScanUnusable:
        return
    assert volume.array.ndim == 3
    assert np.isfinite(volume.affine).all()


def test_a_small_file_that_promises_much_spends_little(read):
    data = patched(nifti_bytes(picture("u1"), AFFINE), DIM_AT, "<4h", 3, 1200, 1200, 1200)
    with pytest.raises(ScanUnusable) as caught:
        read(data)
    assert caught.value.reason is Reason.TRUNCATED
