"""One assembly by its accession: from NCBI or a local mirror into a folder, the same bytes every time."""

from __future__ import annotations

import tempfile
from pathlib import Path

from genescribe.errors import InputError
from genescribe.files import atomic_path, flush_to_disk, sha256
from genescribe.genomes.accessions import check_accession
from genescribe.genomes.load import ANNOTATION, GENOME
from genescribe.genomes.mirror import copy_from_mirror
from genescribe.genomes.ncbi import Datasets
from genescribe.genomes.package import read_sums, unpack

RECORD = "SHA256SUMS"


def fetch(
    accession: str, out: Path, source: Datasets | Path, annotation: bool = True, record: Path | None = None
) -> dict[str, str]:
    """Write `genome.fna` and `annotation.gff3` of an assembly into a folder; files of other names stay.

    The first time, the SHA-256 of both is recorded; from then on other content is an error, as NCBI replaces
    annotations under the same accession.

    Args:
        accession: with its version.
        out: the folder.
        source: NCBI, or the folder of a local mirror.
        annotation: whether the GFF3 is wanted too.
        record: where the digests are kept, in the format of sha256sum; `SHA256SUMS` in the folder if None.

    Returns:
        SHA-256 by file name.

    Raises:
        InputError: the accession has no version, is unknown or has no annotation; the source cannot be read
            or is damaged; or a file is not the one that was recorded. Nothing is written then.
    """
    wanted = [GENOME, ANNOTATION] if annotation else [GENOME]
    check_accession(accession)
    record = out / RECORD if record is None else record
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".partial-{out.name}-") as temporary:
        folder = Path(temporary)
        if isinstance(source, Datasets):
            source.download(accession, annotation, folder / "package.zip")
            unpack(folder / "package.zip", accession, wanted, folder)
        else:
            copy_from_mirror(source, accession, wanted, folder)
        digests = {name: sha256(folder / name) for name in wanted}
        known = _compare(record, accession, digests)
        out.mkdir(exist_ok=True)
        for name in wanted:
            flush_to_disk(folder / name)
            (folder / name).replace(out / name)
    if known != known | digests:
        _write(record, accession, known | digests)
    return digests


def _compare(record: Path, accession: str, digests: dict[str, str]) -> dict[str, str]:
    """The digests that are recorded, after they were found to fit."""
    known = read_sums(record.read_text(encoding="utf-8")) if record.is_file() else {}
    for name, digest in digests.items():
        if known.get(name, digest) != digest:
            raise InputError(
                f"{name} of {accession} changed at its source: SHA-256 was {known[name][:12]}, is "
                f"{digest[:12]}; delete this record to accept the new one, and results change with it",
                record,
            )
    return known


def _write(record: Path, accession: str, digests: dict[str, str]) -> None:
    with atomic_path(record) as temporary:
        lines = [f"# {accession}", *(f"{digest}  {name}" for name, digest in sorted(digests.items()))]
        temporary.write_text("\n".join(lines) + "\n", encoding="utf-8")
