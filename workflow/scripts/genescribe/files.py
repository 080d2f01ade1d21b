"""Reading compressed text, writing so that nothing half-written is ever seen, and digests."""

from __future__ import annotations

import gzip
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

from genescribe.errors import InputError

GZIP_MAGIC = b"\x1f\x8b"


def open_text(path: str | Path) -> IO[str]:
    """Open plain, gzip or bgzip text for reading. The compression is told by content, not by name.

    Line ends are translated, so that CRLF files read like any other.
    """
    with Path(path).open("rb") as probe:
        compressed = probe.read(2) == GZIP_MAGIC
    if compressed:
        return cast(IO[str], gzip.open(path, "rt", encoding="utf-8", newline=None))
    return Path(path).open(encoding="utf-8", newline=None)


def flush_to_disk(path: Path) -> None:
    """Wait until the content of a file has reached the disk."""
    with path.open("rb") as written:
        os.fsync(written.fileno())


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Give a temporary path beside `path`; on success it is flushed to disk and renamed, on failure removed.

    The temporary name keeps the suffixes of `path`, so that writers which choose a format by suffix work.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=".partial-", suffix="-" + target.name)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        flush_to_disk(temporary)
        # mkstemp makes the file private; results are as readable as any file that the user makes.
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def check_outputs(outputs: Iterable[Path | None], inputs: Iterable[Path | None] = ()) -> None:
    """Check before long work that no result will destroy what is read, or another result.

    Args:
        outputs: files to be written; None for those that are not asked for.
        inputs: files to be read.

    Raises:
        InputError: an output is a folder, is one of the inputs, or is named twice.
    """
    taken = {path.resolve() for path in inputs if path is not None}
    written: set[Path] = set()
    for path in outputs:
        if path is None:
            continue
        if path.is_dir():
            raise InputError("this is a folder; name a file to write, such as one in it", path)
        if path.resolve() in taken:
            raise InputError("this file is read and would be overwritten; give the result another name", path)
        if path.resolve() in written:
            raise InputError("two results have this name; give each its own", path)
        written.add(path.resolve())


def check_folder(path: Path, own: Iterable[str]) -> None:
    """Check before long work that a folder may be replaced: that nothing in it is somebody else's.

    Args:
        path: the folder to be written, which need not exist.
        own: what such a folder holds, as patterns of names (`*.safetensors`).

    Raises:
        InputError: `path` is a file, or a folder that holds other things.
    """
    if path.is_file():
        raise InputError("this is a file; name a folder to write", path)
    for entry in path.iterdir() if path.is_dir() else ():
        if not any(entry.match(pattern) for pattern in own):
            raise InputError(f"this folder holds other things, such as {entry.name}; name a new one", path)


@contextmanager
def atomic_folder(path: str | Path, own: Iterable[str]) -> Iterator[Path]:
    """Give a temporary folder beside `path`; on success it takes the place of `path`, on failure it is
    removed.

    Args:
        path: the folder to write.
        own: what such a folder holds, as patterns of names.

    Raises:
        InputError: `path` is a file, or a folder that holds other things, which would be lost.
    """
    target = Path(path)
    check_folder(target, own)
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".partial-{target.name}-"))
    try:
        yield temporary
        temporary.chmod(0o755)
        for file in temporary.rglob("*"):
            if file.is_file():
                flush_to_disk(file)
        if target.exists():
            shutil.rmtree(target)
        temporary.replace(target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def sha256(path: str | Path) -> str:
    """SHA-256 of a file, as 64 hexadecimal digits."""
    with Path(path).open("rb") as data:
        return hashlib.file_digest(data, "sha256").hexdigest()
