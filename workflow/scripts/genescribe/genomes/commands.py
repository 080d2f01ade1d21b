"""Commands of the genomes phase."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from genescribe.genomes.output_options import Bed, Cds, Gtf, Proteins, Summary, Tsv


def normalize(
    fasta: Annotated[Path, typer.Argument(help="Genome, nucleotide FASTA; plain, gzip or bgzip.")],
    gff3: Annotated[
        Path | None, typer.Argument(help="Its annotation, GFF3; leave it out if there is none.")
    ] = None,
    *,
    out: Annotated[Path, typer.Option(help="Folder to write.")],
    name: Annotated[str | None, typer.Option(help="Name of the genome; the folder's if not given.")] = None,
    genetic_code: Annotated[
        str, typer.Option(help="NCBI translation table; 1;NC_001224.1=3 gives one sequence its own.")
    ] = "11",
    gffread: Annotated[bool, typer.Option(help="Let gffread confirm the proteins.")] = True,
) -> None:
    """Bring a genome and its annotation into the form that all other steps read.

    The folder gets genome.fna (upper case), softmask.bed, annotation.gff3 (the genes that are kept),
    left_out.tsv (what gives no gene, and why), flagged.tsv (genes that are kept but are no clean reference)
    and summary.json.

    Example: genescribe normalize ecoli.fna.gz ecoli.gff3.gz --out results/genomes/ecoli
    """
    from genescribe.genomes.normalize import describe, normalize_genome

    summary = normalize_genome(fasta, gff3, out, name or out.resolve().name, genetic_code, gffread)
    for line in describe(summary):
        typer.echo(line)


def fetch(
    accession: Annotated[str, typer.Argument(help="Assembly with its version, such as GCF_000005845.2.")],
    *,
    out: Annotated[Path, typer.Option(help="Folder to write.")],
    annotation: Annotated[bool, typer.Option(help="Whether its annotation is wanted too.")] = True,
    mirror: Annotated[
        Path | None, typer.Option(help="Folder of genomes to take it from instead of NCBI.")
    ] = None,
    api: Annotated[
        str | None, typer.Option(help="Base address of NCBI Datasets, if it is not NCBI's own.")
    ] = None,
    record: Annotated[
        Path | None, typer.Option(help="Where digests are kept; OUT/SHA256SUMS if not given.")
    ] = None,
) -> None:
    """Fetch a genome and its annotation by accession, from NCBI or a local mirror.

    The folder gets genome.fna and annotation.gff3. Their SHA-256 is recorded; if NCBI changes a file under
    the same accession, the next fetch says so and keeps what is there. NCBI serves more requests a second to
    those who set the environment variable NCBI_API_KEY.

    Example: genescribe fetch GCF_000005845.2 --out genomes/ecoli
    """
    import os

    from genescribe.genomes.fetch import fetch as fetch_assembly
    from genescribe.genomes.ncbi import API, KEY_VARIABLE, Datasets

    source = mirror or Datasets(api or API, os.environ.get(KEY_VARIABLE))
    for name, digest in fetch_assembly(accession, out, source, annotation, record).items():
        typer.echo(f"{digest}  {out / name}")


def convert(
    gff3: Annotated[Path, typer.Argument(help="Annotation, GFF3; plain, gzip or bgzip.")],
    genome: Annotated[Path, typer.Argument(help="Its genome, nucleotide FASTA.")],
    *,
    out: Annotated[Path | None, typer.Option(help="GFF3 to write.")] = None,
    gtf: Gtf = None,
    bed: Bed = None,
    tsv: Tsv = None,
    proteins: Proteins = None,
    cds: Cds = None,
    summary: Summary = None,
    genetic_code: Annotated[
        str, typer.Option(help="NCBI translation table; 1;NC_001224.1=3 gives one sequence its own.")
    ] = "11",
) -> None:
    """Write the genes of a GFF3 in the formats that `genescribe annotate` writes.

    For a reference annotation, to have it beside the predicted one; what gives no gene is left out, and its
    reasons are counted. docs/formats.md describes the files.

    Example: genescribe convert reference.gff3 genome.fna --bed reference.bed --tsv reference.tsv
    """
    from collections import Counter

    from genescribe.errors import InputError
    from genescribe.files import check_outputs
    from genescribe.genomes.formats import Outputs, write_formats
    from genescribe.genomes.source import read_source

    outputs = Outputs(out, gtf, bed, tsv, proteins, cds, summary)
    if outputs == Outputs():
        raise InputError("there is nothing to write; give --out, --gtf, --bed, --tsv or another, see --help")
    check_outputs(outputs.paths, (gff3, genome))
    source = read_source(genome, gff3, genetic_code)
    annotation = source.annotation
    write_formats(annotation.genes, source.sequences, annotation.circular, source.genetic_codes, outputs)
    typer.echo(f"genes: {len(annotation.genes)}")
    for reason, count in sorted(Counter(one.reason for one in annotation.left_out).items()):
        typer.echo(f"left out, {reason}: {count}")


def survey(
    folder: Annotated[Path, typer.Argument(help="Collection: index.tsv and one folder per genome.")],
    out: Annotated[Path, typer.Option(help="Markdown page; the table between its marks is replaced.")],
) -> None:
    """Count what reader and grammar make of each genome of a collection.

    index.tsv has the columns name, organism, domain, genetic_code, bp and cds; the folder `name` has
    genome.fna.gz and annotation.gff3.gz.

    Example: genescribe survey genomes --out docs/genomes.md
    """
    from genescribe.genomes.survey import read_index, survey_genome, write_survey
    from genescribe.progress import progress

    rows = read_index(folder)
    results = []
    with progress("Survey", sum(int(row["bp"]) for row in rows), "bases") as bar:
        for row in rows:
            results.append(survey_genome(folder, row))
            bar.advance(int(row["bp"]))
    write_survey(out, results)
    typer.echo(f"{len(results)} genomes: {out}")
