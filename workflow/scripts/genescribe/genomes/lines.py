"""Lines of a text file that may be gzip or bgzip, with one clear error for what cannot be read."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path

from genescribe.errors import InputError
from genescribe.files import GZIP_MAGIC, open_text

# The empty last block of every complete bgzip file (SAM specification, section 4.1.2).
BGZF_END = bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000")
_NOT_TEXT = "this is not text (a binary file?); give a plain, gzip or bgzip text file in UTF-8"
_UNPACK = "unpack it, or compress the file in it with gzip"
_OTHERS = {
    b"PK\x03\x04": f"this is a zip archive; {_UNPACK}",
    b"BZh": f"this is compressed with bzip2; {_UNPACK}",
    b"\xfd7zXZ\0": f"this is compressed with xz; {_UNPACK}",
    b"\x28\xb5\x2f\xfd": f"this is compressed with zstd; {_UNPACK}",
    b"\xff\xfe": "this is text in UTF-16; save it as UTF-8",
    b"\xfe\xff": "this is text in UTF-16; save it as UTF-8",
}
_TAR = f"this is a tar archive; {_UNPACK}"
_CUT_SHORT = "the compressed file is cut short or damaged; copy or download it again"


def numbered_lines(path: str | Path) -> Iterator[tuple[int, str]]:
    """Each line of a text file, without its line end, with its 1-based number.

    Raises:
        InputError: the file is missing, a folder, empty, binary, or damaged or truncated gzip or bgzip.
    """
    _check_readable(Path(path))
    number = 0
    try:
        with open_text(path) as text:
            for number, line in enumerate(text, start=1):
                if "\0" in line:
                    raise InputError(_TAR if line[257:262] == "ustar" else _NOT_TEXT, path, number)
                yield number, line.rstrip("\n")
    except UnicodeDecodeError as error:
        raise InputError(_NOT_TEXT, path, number + 1) from error
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise InputError(_CUT_SHORT, path, number + 1) from error
    if number == 0:
        raise InputError("the file is empty; copy or download it again", path)


def _check_readable(path: Path) -> None:
    """Refuse what is no file, what is packed in another way, and bgzip that was cut between two blocks, which
    gzip does not notice."""
    try:
        with path.open("rb") as data:
            head = data.read(18)
            for magic, message in _OTHERS.items():
                if head.startswith(magic):
                    raise InputError(message, path)
            is_bgzf = head[:2] == GZIP_MAGIC and len(head) == 18 and head[3] & 4 and head[12:14] == b"BC"
            if is_bgzf:
                data.seek(0, 2)
                data.seek(max(0, data.tell() - len(BGZF_END)))
                if data.read() != BGZF_END:
                    raise InputError(_CUT_SHORT, path)
    except FileNotFoundError as error:
        raise InputError("there is no such file; check the path", path) from error
    except IsADirectoryError as error:
        raise InputError("this is a folder; give a file", path) from error
    except PermissionError as error:
        raise InputError("the file may not be read; check its permissions", path) from error
