"""What there is: files that a dataset should not have, and files that the bucket should."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from allbrains.sandbox.archive import (
    IMAGE_EXTENSIONS,
    Archive,
    Digests,
    FoundObject,
    NotServed,
    Told,
    listing_order,
    object_hash,
    object_id,
)
from allbrains.sandbox.faults.fault_kinds import Drawn, Lasts, Misbehaviour, Stock
from allbrains.sandbox.faults.lot import Lot

_T1W = tuple(f"_T1w{extension}" for extension in IMAGE_EXTENSIONS)
# the resource fork of a Mac: magic number and version of AppleDouble, then nothing of use
_APPLE_DOUBLE = bytes.fromhex("00051607 00020000") + b"Mac OS X        " + bytes(4072)
_HIDDEN = {
    ".bidsignore": b"extra/\n",
    ".datalad/config": b'[datalad "dataset"]\n\tid = 00000000-0000-4000-8000-000000000000\n',
    ".DS_Store": b"\0\0\0\1Bud1" + bytes(6140),
}


class View(Archive):
    """An archive seen through another; what isn't overridden is as it is."""

    def __init__(self, inner: Archive) -> None:
        self.inner = inner

    def datasets(self) -> tuple[str, ...]:
        """Return the accessions."""
        return self.inner.datasets()

    def files(self, dataset: str) -> tuple[FoundObject, ...]:
        """Return all files of a dataset."""
        return self.inner.files(dataset)

    def find(self, dataset: str, path: str) -> FoundObject:
        """Return one file of a dataset."""
        return self.inner.find(dataset, path)

    def digests(self, dataset: str, file: FoundObject) -> Digests:
        """Return what the file's content hashes to."""
        return self.inner.digests(dataset, file)

    def read(self, dataset: str, path: str, start: int, stop: int) -> Iterator[bytes]:
        """Yield the bytes from ``start`` up to, not including, ``stop``."""
        return self.inner.read(dataset, path, start, stop)

    def told(self, dataset: str) -> Told | None:
        """Return what the archive knows of a snapshot."""
        return self.inner.told(dataset)

    def encoded(self, dataset: str, base: str, fields: tuple[tuple[str, str], ...]) -> bytes | None:
        """Return all rows of a listing as JSON."""
        return self.inner.encoded(dataset, base, fields)


class _Blocked(View):
    """Datasets with objects that lack the tag that makes them public."""

    def __init__(self, inner: Archive, lot: Lot) -> None:
        super().__init__(inner)
        self._lot = lot

    def find(self, dataset: str, path: str) -> FoundObject:
        """Return one file of a dataset, unless it is blocked."""
        if self._lot.hit(dataset):
            raise PermissionError(f"{dataset} is blocked")
        return super().find(dataset, path)


class _Missing(View):
    """Files that were never exported to the bucket."""

    def __init__(self, inner: Archive, lot: Lot) -> None:
        super().__init__(inner)
        self._lot = lot

    def files(self, dataset: str) -> tuple[FoundObject, ...]:
        """Return the files that are there."""
        return tuple(file for file in super().files(dataset) if not self._lot.draws(f"{dataset}/{file.path}"))

    def find(self, dataset: str, path: str) -> FoundObject:
        """Return one file, unless it is missing."""
        if self._lot.hit(f"{dataset}/{path}"):
            raise NotServed(f"{dataset}/{path}")
        return super().find(dataset, path)


class _Additional(View):
    """Files with contents of their own beside those of the archive."""

    def __init__(self, inner: Archive, lot: Lot) -> None:
        super().__init__(inner)
        self._lot = lot

    def more(self, dataset: str) -> dict[str, bytes]:
        """Return the contents of the additional files of a dataset that was drawn, by path."""
        raise NotImplementedError

    def files(self, dataset: str) -> tuple[FoundObject, ...]:
        """Return all files of a dataset, the additional ones in their places."""
        found = super().files(dataset)
        if not self._lot.hit(dataset):
            return found
        added = {path: self._found(dataset, path, content) for path, content in self.more(dataset).items()}
        kept = [file for file in found if file.path not in added]
        return tuple(sorted([*kept, *added.values()], key=lambda file: listing_order(file.path)))

    def find(self, dataset: str, path: str) -> FoundObject:
        """Return one file of a dataset."""
        content = self._content(dataset, path)
        return super().find(dataset, path) if content is None else self._found(dataset, path, content)

    def digests(self, dataset: str, file: FoundObject) -> Digests:
        """Return what the file's content hashes to."""
        content = self._content(dataset, file.path)
        if content is None:
            return super().digests(dataset, file)
        state = object_hash(dataset, file.path, len(content))
        state.update(content)
        md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
        return Digests(md5=md5, object_id=object_id(file.path, len(content), state))

    def read(self, dataset: str, path: str, start: int, stop: int) -> Iterator[bytes]:
        """Yield the bytes from ``start`` up to, not including, ``stop``."""
        content = self._content(dataset, path)
        return super().read(dataset, path, start, stop) if content is None else iter([content[start:stop]])

    def encoded(self, dataset: str, base: str, fields: tuple[tuple[str, str], ...]) -> bytes | None:
        """Return all rows of a listing as JSON, where nothing is added to them."""
        return None if self._lot.draws(dataset) else super().encoded(dataset, base, fields)

    def may_add(self, path: str) -> bool:
        """Return whether a path could be an additional file's; looking for it may cost a listing."""
        return path.rpartition("/")[2].startswith(".") or path.startswith(".")

    def _content(self, dataset: str, path: str) -> bytes | None:
        if not (self.may_add(path) and self._lot.draws(dataset)):
            return None
        return self.more(dataset).get(path)

    def _found(self, dataset: str, path: str, content: bytes) -> FoundObject:
        modified_ns = self.inner.files(dataset)[0].modified_ns
        return FoundObject(path=path, size=len(content), modified_ns=modified_ns)


class _AppleDouble(_Additional):
    def more(self, dataset: str) -> dict[str, bytes]:
        images = (file.path for file in self.inner.files(dataset) if file.path.endswith(_T1W))
        split = (path.rpartition("/") for path in images)
        return {f"{folder}{slash}._{name}": _APPLE_DOUBLE for folder, slash, name in split}


class _Hidden(_Additional):
    def more(self, dataset: str) -> dict[str, bytes]:
        folders = {file.path.rpartition("/")[0] for file in self.inner.files(dataset)}
        stores = {f"{folder}/.DS_Store": _HIDDEN[".DS_Store"] for folder in folders if folder}
        return {**_HIDDEN, **stores}


class _Orphans(_Additional):
    def more(self, dataset: str) -> dict[str, bytes]:
        name = "sub-orphan/anat/sub-orphan_T1w"
        return {f"{name}.nii.gz": bytes(10_000), f"{name}.json": b"{}\n"}

    def may_add(self, path: str) -> bool:
        return path.startswith("sub-orphan/")


FAULTS = (
    Misbehaviour(
        name="s3-403",
        says="The bucket answers 403 AccessDenied to every file of a dataset, and lists it as usual.",
        lasts=Lasts.STAYS,
        drawn=Drawn.DATASETS,
        kind=Stock(wrap=_Blocked),
    ),
    Misbehaviour(
        name="s3-missing",
        says="A file is missing from the bucket and its listing: 404.",
        lasts=Lasts.STAYS,
        drawn=Drawn.FILES,
        kind=Stock(wrap=_Missing),
    ),
    Misbehaviour(
        name="s3-orphans",
        says="The bucket has and lists `sub-orphan`, which is not in the snapshot.",
        lasts=Lasts.STAYS,
        drawn=Drawn.DATASETS,
        kind=Stock(wrap=_Orphans),
    ),
    Misbehaviour(
        name="apple-double",
        says="Beside each T1w lies the `._` file of a Mac, 4,096 bytes.",
        lasts=Lasts.STAYS,
        drawn=Drawn.DATASETS,
        kind=Stock(wrap=_AppleDouble, everywhere=True),
    ),
    Misbehaviour(
        name="hidden-files",
        says="`.bidsignore`, `.datalad/config` and `.DS_Store` files are listed.",
        lasts=Lasts.STAYS,
        drawn=Drawn.DATASETS,
        kind=Stock(wrap=_Hidden, everywhere=True),
    ),
)
