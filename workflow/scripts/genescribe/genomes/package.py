"""Genome packages of NCBI Datasets: a zip that is tested before anything is taken out of it, or its folder.

A package holds `md5sum.txt` at its root and `ncbi_dataset/data/ACCESSION/` with `<assembly>_genomic.fna`
and, where NCBI has an annotation, `genomic.gff`. The assembly's name is never composed: files are found by
pattern.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import stat
import zlib
from collections.abc import Iterable
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import IO
from zipfile import BadZipFile, ZipFile, ZipInfo

from genescribe.errors import InputError
from genescribe.genomes.load import ANNOTATION, GENOME

DATA = "ncbi_dataset/data"
SUMS = "md5sum.txt"
PATTERNS = {
    GENOME: ("*_genomic.fna", GENOME),
    ANNOTATION: ("genomic.gff", "*_genomic.gff", ANNOTATION),
}
"""How the files are named that become `genome.fna` and `annotation.gff3`: by Datasets, by NCBI's FTP server,
or as here. Each may end in .gz."""
_NO_GENOME = "*_from_genomic.fna*"
_CHUNK = 1 << 20


class DamagedError(Exception):
    """A package is not what was sent: it has to be transferred again."""


def locate(names: Iterable[str]) -> dict[str, str]:
    """Which of the files of one assembly are its sequence and its annotation.

    Args:
        names: paths in any notation; the last part counts.

    Returns:
        `genome.fna` and `annotation.gff3` to the path, each where there is one.

    Raises:
        InputError: two files fit.
    """
    found: dict[str, str] = {}
    for name in sorted(names):
        base = PurePosixPath(name).name
        if fnmatchcase(base, _NO_GENOME):
            continue
        for wanted, patterns in PATTERNS.items():
            if any(fnmatchcase(base.removesuffix(".gz"), pattern) for pattern in patterns):
                if wanted in found:
                    raise InputError(f"{found[wanted]} and {name} both look like {wanted}; remove one")
                found[wanted] = name
    return found


def verify_package(path: Path) -> None:
    """Read a zipped package through: names, CRC of every file, and MD5 as `md5sum.txt` says.

    Raises:
        DamagedError: the zip is cut short or damaged, or a file is missing or differs from `md5sum.txt`.
        InputError: a member would not stay inside the folder that it is unpacked to.
    """
    try:
        with ZipFile(path) as archive:
            members = [member for member in archive.infolist() if not member.is_dir()]
            for member in members:
                _refuse_unsafe(member, path)
            if SUMS not in archive.namelist():
                raise DamagedError(f"the package has no {SUMS}")
            sums = read_sums(archive.read(SUMS).decode("utf-8", "replace"))
            digests = {}
            for member in members:
                with archive.open(member) as content:
                    digests[member.filename] = _md5(content)
    except (BadZipFile, EOFError, zlib.error, NotImplementedError) as error:
        raise DamagedError(f"the zip archive is cut short or damaged ({error})") from error
    # Files of the assemblies must be listed; what stands beside their folders may be.
    unlisted = [name for name in digests if name.count("/") > DATA.count("/") + 1 and name not in sums]
    if unlisted:
        raise DamagedError(f"{SUMS} does not list {unlisted[0]}")
    for name, digest in sums.items():
        if name not in digests:
            raise DamagedError(f"{name} stands in {SUMS} but not in the package")
        if digests[name] != digest:
            raise DamagedError(f"{name} has MD5 {digests[name]}, {SUMS} says {digest}")


def unpack(path: Path, accession: str, wanted: Iterable[str], folder: Path) -> None:
    """Write the files of one assembly of a package that was verified, under our names.

    Args:
        path: the zip.
        accession: of the assembly, with version.
        wanted: of `genome.fna` and `annotation.gff3` those to write.
        folder: where to.

    Raises:
        InputError: the package lacks one.
    """
    with ZipFile(path) as archive:
        inside = [name for name in archive.namelist() if name.startswith(f"{DATA}/{accession}/")]
        found = locate(inside)
        for name in wanted:
            if name not in found:
                raise missing(name, accession, "NCBI")
            # Only our own names are written to, whatever the archive's are.
            with archive.open(found[name]) as source, (folder / name).open("wb") as target:
                shutil.copyfileobj(source, target, _CHUNK)


def check_sums(folder: Path, names: Iterable[str]) -> None:
    """Check files of an unpacked package, `<root>/ncbi_dataset/data/ACCESSION`, that `md5sum.txt` lists.

    Raises:
        InputError: a file differs.
    """
    folder = folder.resolve()
    if "/".join(folder.parts[-3:-1]) != DATA or not (folder.parents[2] / SUMS).is_file():
        return
    root = folder.parents[2]
    sums = read_sums((root / SUMS).read_text(encoding="utf-8", errors="replace"))
    for name in names:
        expected = sums.get(f"{DATA}/{folder.name}/{name}")
        if expected is None:
            continue
        with (folder / name).open("rb") as content:
            if _md5(content) != expected:
                raise InputError(
                    f"differs from what {root / SUMS} says; copy or download it again", folder / name
                )


def missing(name: str, accession: str, source: str) -> InputError:
    """The error for an assembly that has no sequence or no annotation."""
    if name == ANNOTATION:
        return InputError(
            f"{accession} has no annotation at {source}; set its split to annotate "
            "(genescribe fetch: --no-annotation)"
        )
    return InputError(f"{accession} has no sequence at {source}; choose another assembly")


def read_sums(text: str) -> dict[str, str]:
    """Digest of each file, from lines as `md5sum` and `sha256sum` write them; # begins a comment."""
    found = re.findall(r"^([0-9a-fA-F]{32}|[0-9a-fA-F]{64}) [ *](.+?)\r?$", text, re.MULTILINE)
    return {name.removeprefix("./"): digest.lower() for digest, name in found}


def _refuse_unsafe(member: ZipInfo, path: Path) -> None:
    name = PurePosixPath(member.filename)
    if name.is_absolute() or ".." in name.parts or "\\" in member.filename:
        raise InputError(f"refused: the archive has a file named {member.filename!r}, outside of it", path)
    if stat.S_ISLNK(member.external_attr >> 16):
        raise InputError(f"refused: the archive's {member.filename!r} is a symbolic link", path)
    if member.flag_bits & 1:
        raise InputError(f"refused: the archive's {member.filename!r} is encrypted", path)


def _md5(content: IO[bytes]) -> str:
    digest = hashlib.md5(usedforsecurity=False)
    while chunk := content.read(_CHUNK):
        digest.update(chunk)
    return digest.hexdigest()
