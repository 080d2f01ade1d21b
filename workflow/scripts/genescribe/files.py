"""Reading compressed text, writing so that nothing half-written is ever seen, and digests."""

from __future__ import annotations

import gzip
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

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


@contextmanager
def atomic_folder(path: str | Path) -> Iterator[Path]:
    """Give a temporary folder beside `path`; on success it takes the place of `path`, on failure it is
    removed."""
    target = Path(path)
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
