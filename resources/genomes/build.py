"""Make the bundled genomes from two Debian packages, byte for byte the same each time; see PROVENANCE.md.

apt-get download cct-examples gbrowse-data
dpkg -x cct-examples_*.deb unpacked && dpkg -x gbrowse-data_*.deb unpacked
python resources/genomes/build.py unpacked --out resources/genomes
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from Bio import SeqIO
from Bio.SeqFeature import CompoundLocation, SeqFeature, SimpleLocation
from Bio.SeqRecord import SeqRecord

ECOLI = "usr/share/doc/cct/examples/sample_projects/sample_project_3/comparison_genomes/NC_000913.gbk.gz"
YEAST = "var/lib/gbrowse/databases"
ECOLI_FOLDER = "escherichia_coli_k12"
YEAST_FOLDER = "saccharomyces_cerevisiae_chr1_2"
FASTA_NAME, GFF3_NAME, SUMS_NAME = "genome.fna.gz", "annotation.gff3.gz", "SHA256SUMS"
LINE_WIDTH = 80

RNA_TYPES = {"tRNA": "tRNA", "rRNA": "rRNA", "misc_RNA": "ncRNA"}
YEAST_TYPES = frozenset(
    {
        *("chromosome", "gene", "CDS", "pseudogene", "transposable_element_gene"),
        *("tRNA", "ncRNA", "snRNA", "snoRNA", "noncoding_exon"),
    }
)
YEAST_ATTRIBUTES = ("ID", "Parent", "gene", "orf_classification")


def write_gzip(path: Path, lines: Iterable[str]) -> None:
    """Write lines as gzip without a time stamp or a name inside."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as raw, gzip.GzipFile("", "wb", compresslevel=9, fileobj=raw, mtime=0) as packed:
        packed.write("".join(f"{line}\n" for line in lines).encode("ascii"))


def fasta_lines(seqid: str, sequence: str) -> Iterator[str]:
    """Lines of one FASTA record."""
    yield f">{seqid}"
    for start in range(0, len(sequence), LINE_WIDTH):
        yield sequence[start : start + LINE_WIDTH]


def first(feature: SeqFeature, key: str) -> str:
    """First value of a qualifier, or nothing."""
    return str(feature.qualifiers.get(key, [""])[0]).replace("\n", " ")


def location_of(feature: SeqFeature) -> SimpleLocation | CompoundLocation:
    """Where a feature lies; every feature of a GenBank file has a location."""
    if feature.location is None:
        raise ValueError(f"a {feature.type} has no location")
    return feature.location


def escaped(value: str) -> str:
    """An attribute value as GFF3 column 9 takes it."""
    for letter, code in (("%", "%25"), (";", "%3B"), ("=", "%3D"), ("&", "%26"), (",", "%2C")):
        value = value.replace(letter, code)
    return value


def gff_row(
    seqid: str, kind: str, start: int, end: int, strand: int, phase: str, attributes: dict[str, str]
) -> str:
    """One GFF3 row from 0-based half-open coordinates; empty attributes are dropped."""
    column = ";".join(f"{key}={escaped(value)}" for key, value in attributes.items() if value)
    columns = (seqid, "RefSeq", kind, start + 1, end, ".", "-" if strand < 0 else "+", phase, column)
    return "\t".join(map(str, columns))


def product_rows(seqid: str, feature: SeqFeature, parent: str, name: str, kind: str) -> Iterator[str]:
    """Rows of a CDS, in the order of its parts 5' to 3', or the row of an RNA."""
    is_cds = kind == "CDS"
    attributes = {
        "ID": name,
        "Parent": parent,
        "pseudo": "true" if "pseudo" in feature.qualifiers else "",
        "exception": first(feature, "exception"),
        "transl_except": first(feature, "transl_except"),
        "transl_table": first(feature, "transl_table"),
    }
    position = 0
    for part in location_of(feature).parts:
        phase = str(-position % 3) if is_cds else "."
        yield gff_row(seqid, kind, int(part.start), int(part.end), part.strand, phase, attributes)
        position += len(part)


def ecoli_gff(record: SeqRecord) -> Iterator[str]:
    """GFF3 lines of a GenBank record: each CDS and RNA under the gene of its locus tag."""
    seqid, length = str(record.id), len(str(record.seq))
    yield "##gff-version 3"
    yield f"##sequence-region {seqid} 1 {length}"
    yield gff_row(seqid, "region", 0, length, 1, ".", {"ID": f"{seqid}:1..{length}", "Is_circular": "true"})
    products: dict[str, list[SeqFeature]] = {}
    for feature in record.features:
        if feature.type == "CDS" or feature.type in RNA_TYPES:
            products.setdefault(first(feature, "locus_tag"), []).append(feature)
    for gene in record.features:
        if gene.type != "gene":
            continue
        tag = first(gene, "locus_tag")
        below = products.get(tag, [])
        kinds = [RNA_TYPES.get(feature.type, "protein_coding") for feature in below]
        is_pseudo = "pseudo" in gene.qualifiers
        attributes = {
            "ID": f"gene-{tag}",
            "gene": first(gene, "gene"),
            "locus_tag": tag,
            "gene_biotype": "pseudogene" if is_pseudo else kinds[0] if kinds else "",
            "pseudo": "true" if is_pseudo else "",
        }
        kind = "pseudogene" if is_pseudo else "gene"
        place = location_of(gene)
        yield gff_row(seqid, kind, int(place.start), int(place.end), place.strand, ".", attributes)
        for feature in below:
            if feature.type == "CDS":
                name = f"cds-{first(feature, 'protein_id') or tag}"
                yield from product_rows(seqid, feature, f"gene-{tag}", name, "CDS")
            else:
                yield from product_rows(seqid, feature, f"gene-{tag}", f"rna-{tag}", RNA_TYPES[feature.type])
    for number, feature in enumerate(products.get("", []), start=1):
        name = f"rna-without-locus-{number}"
        yield from product_rows(seqid, feature, "", name, RNA_TYPES[feature.type])


def yeast_gff(lines: Iterable[str]) -> Iterator[str]:
    """Rows of SGD's GFF3 that belong to genes, with the few attributes that say something here."""
    yield "##gff-version 3"
    for line in lines:
        columns = line.rstrip("\n").split("\t")
        if len(columns) != 9 or columns[1] != "SGD" or columns[2] not in YEAST_TYPES:
            continue
        attributes = dict(part.split("=", 1) for part in columns[8].split(";") if "=" in part)
        columns[8] = ";".join(f"{key}={attributes[key]}" for key in YEAST_ATTRIBUTES if key in attributes)
        yield "\t".join(columns)


def build(unpacked: Path, out: Path) -> None:
    """Write both genomes and SHA256SUMS into `out`."""
    with gzip.open(unpacked / ECOLI, "rt", encoding="ascii") as text:
        ecoli = SeqIO.read(text, "genbank")
    write_gzip(out / ECOLI_FOLDER / FASTA_NAME, fasta_lines(str(ecoli.id), str(ecoli.seq).upper()))
    write_gzip(out / ECOLI_FOLDER / GFF3_NAME, ecoli_gff(ecoli))

    chromosomes = [
        SeqIO.read(unpacked / YEAST / "yeast_scaffolds" / name, "fasta") for name in ("chr1.fa", "chr2.fa")
    ]
    lines = (line for one in chromosomes for line in fasta_lines(str(one.id), str(one.seq).upper()))
    write_gzip(out / YEAST_FOLDER / FASTA_NAME, lines)
    gff = (unpacked / YEAST / "yeast_chr1+2" / "yeast_chr1+2.gff3").read_text(encoding="ascii")
    write_gzip(out / YEAST_FOLDER / GFF3_NAME, yeast_gff(gff.splitlines()))

    files = [
        Path(folder, name) for folder in (ECOLI_FOLDER, YEAST_FOLDER) for name in (FASTA_NAME, GFF3_NAME)
    ]
    sums = [f"{hashlib.sha256((out / file).read_bytes()).hexdigest()}  {file.as_posix()}\n" for file in files]
    (out / SUMS_NAME).write_text("".join(sums), encoding="ascii")


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description="Make the bundled genomes from the unpacked Debian packages."
    )
    parser.add_argument(
        "unpacked", type=Path, help="folder with cct-examples and gbrowse-data, unpacked by dpkg -x"
    )
    parser.add_argument("--out", type=Path, default=Path(__file__).parent, help="where the genomes go")
    arguments = parser.parse_args()
    build(arguments.unpacked, arguments.out)


if __name__ == "__main__":
    main()
