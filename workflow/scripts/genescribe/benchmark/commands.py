"""Commands of the benchmark phase."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from genescribe.annotation.options import Batch, Beam

if TYPE_CHECKING:
    from genescribe.benchmark.selection import Selection

GenomeFolder = Annotated[Path, typer.Option(help="Folder made by `genescribe normalize`.")]
Regions = Annotated[Path | None, typer.Option(help="BED file: only genes wholly inside one region count.")]
Wanted = Annotated[Path | None, typer.Option(help="BED file of the stretches to search; all if left out.")]
LeftOutTable = Annotated[Path | None, typer.Option(help="left_out.tsv of `genescribe normalize`.")]
Name = Annotated[str | None, typer.Option(help="Name of the predictor; the file's name if left out.")]


class Domain(StrEnum):
    """How genes are scored."""

    AUTO = "auto"
    PROKARYOTE = "prokaryote"
    EUKARYOTE = "eukaryote"


def augustus(
    genome: GenomeFolder,
    species: Annotated[str, typer.Option(help="AUGUSTUS species, such as E_coli_K12.")],
    out: Annotated[Path, typer.Option(help="GFF3 file to write.")],
    regions: Wanted = None,
    threads: Annotated[int, typer.Option(min=1, help="Processes at a time.")] = 1,
    genetic_code: Annotated[
        int | None, typer.Option(help="NCBI table; the genome's own if left out.")
    ] = None,
    margin: Annotated[int | None, typer.Option(min=0, help="Bases that neighbouring pieces share.")] = None,
) -> None:
    """Predict genes with AUGUSTUS on several cores.

    Sequences are cut into overlapping pieces; each gene is taken from the piece whose core holds its
    midpoint. The result does not depend on the number of threads.

    Example: genescribe augustus --genome results/genomes/ecoli --species E_coli_K12 --threads 2
        --out augustus.gff3
    """
    from genescribe.benchmark.augustus import MARGIN, predict
    from genescribe.genomes.gff3_writer import write_gff3
    from genescribe.genomes.load import load_genome
    from genescribe.genomes.regions import read_bed

    loaded = load_genome(genome)
    codes = {seqid: genetic_code or loaded.genetic_codes[seqid] for seqid in loaded.sequences}
    wanted = None if regions is None else read_bed(regions)
    genes = predict(
        loaded.sequences, codes, species, wanted, threads, margin=MARGIN if margin is None else margin
    )
    code = genetic_code or loaded.genetic_code
    write_gff3(out, genes, loaded.lengths, loaded.circular, "AUGUSTUS", code, codes)


def prodigal(
    genome: GenomeFolder,
    out: Annotated[Path, typer.Option(help="GFF3 file to write.")],
    regions: Wanted = None,
    genetic_code: Annotated[
        int | None, typer.Option(help="NCBI table; the genome's own if left out.")
    ] = None,
) -> None:
    """Predict the genes of a prokaryote with Prodigal (pyrodigal), trained on the whole genome.

    Genomes of less than 20 kb in all cannot be trained on and are searched in meta mode.

    Example: genescribe prodigal --genome results/genomes/ecoli --out prodigal.gff3
    """
    from genescribe.benchmark.prodigal import predict
    from genescribe.genomes.gff3_writer import write_gff3
    from genescribe.genomes.load import load_genome
    from genescribe.genomes.regions import read_bed

    loaded = load_genome(genome)
    codes = {seqid: genetic_code or loaded.genetic_codes[seqid] for seqid in loaded.sequences}
    genes = predict(loaded.sequences, codes, None if regions is None else read_bed(regions))
    code = genetic_code or loaded.genetic_code
    write_gff3(out, genes, loaded.lengths, loaded.circular, "Prodigal", code, codes)


def score(
    reference: Annotated[Path, typer.Argument(metavar="REF.gff3", help="Reference annotation.")],
    prediction: Annotated[Path, typer.Argument(metavar="PRED.gff3", help="Predicted genes.")],
    regions: Regions = None,
    left_out: LeftOutTable = None,
    fasta: Annotated[
        Path | None, typer.Option(help="The genome: adds accuracy by start codon and GC content.")
    ] = None,
    verified: Annotated[Path | None, typer.Option(help="GFF3 of genes with verified starts.")] = None,
    domain: Annotated[
        Domain, typer.Option(help="auto: eukaryote if 1 % of the genes have introns.")
    ] = Domain.AUTO,
    name: Name = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
    out: Annotated[Path | None, typer.Option(help="JSON file to write.")] = None,
    tsv: Annotated[Path | None, typer.Option(help="Table of all metrics to write.")] = None,
    genes: Annotated[
        Path | None, typer.Option(help="Table of all genes with their classes to write.")
    ] = None,
) -> None:
    """Score predicted genes against a reference: exactly right or not.

    Only coding sequence counts, UTRs do not. Reference models that are partial, pseudo, exceptions or no
    whole number of codons are left out; a prediction that lies mostly upon one of them is neither right nor
    wrong. The JSON also has the accuracy by length and strand of the genes, and, where all scores lie
    between 0 and 1, how well they say which genes are right.

    Example: genescribe score reference.gff3 genescribe.gff3 --genes verdicts.tsv
    """
    from genescribe.benchmark import scorer, tables
    from genescribe.files import check_outputs

    check_outputs((out, tsv, genes), (reference, prediction, regions, left_out, verified))
    selection = _selection(reference, prediction, regions, left_out)
    chosen = scorer.guess_domain(selection) if domain is Domain.AUTO else domain.value
    checked = None if verified is None else _selection(verified, prediction, regions, None)
    sequences = None if fasta is None else _sequences(fasta, selection)
    metrics, verdicts = scorer.score(selection, chosen, checked, sequences)
    predictor = name or prediction.stem
    content = tables.document(
        metrics, verdicts, selection, chosen, predictor, str(reference), str(prediction)
    )
    if out is not None:
        tables.write_text(out, tables.to_json(content))
    if tsv is not None:
        metrics.insert(0, "predictor", predictor)
        tables.write_tsv(tsv, metrics)
    if genes is not None:
        tables.write_tsv(genes, verdicts)
    if as_json:
        typer.echo(tables.to_json(content), nl=False)
    else:
        tables.print_table([content])


def gffcompare(
    reference: Annotated[Path, typer.Option(help="Reference annotation (GFF3).")],
    prediction: Annotated[Path, typer.Option(help="Predicted genes (GFF3).")],
    out: Annotated[Path, typer.Option(help="JSON file to write.")],
    regions: Regions = None,
    left_out: LeftOutTable = None,
    name: Name = None,
) -> None:
    """Compare predicted genes with a reference by gffcompare, or by cuffcompare where it is missing.

    The program sees the same models as `genescribe score`. Where neither is installed, the file says so.

    Example: genescribe gffcompare --reference annotation.gff3 --prediction genescribe.gff3 --out
        gffcompare.json
    """
    from genescribe.benchmark import tables
    from genescribe.benchmark.gffcompare import compare

    selection = _selection(reference, prediction, regions, left_out)
    tables.write_text(out, tables.to_json(compare(selection, name or prediction.stem)))


def scoretable(
    scores: Annotated[list[Path], typer.Argument(help="JSON files of `genescribe score`.")],
    tsv: Annotated[Path | None, typer.Option(help="Merged table to write.")] = None,
    json_out: Annotated[Path | None, typer.Option(help="Merged JSON to write.")] = None,
    gffcompare: Annotated[
        list[Path] | None, typer.Option(help="JSON of `genescribe gffcompare`; may be repeated.")
    ] = None,
) -> None:
    """Put the scores of several predictors for one genome into one table, and print it.

    Example: genescribe scoretable scores/genescribe.json scores/augustus.json --tsv scores.tsv
    """
    from genescribe.benchmark import tables
    from genescribe.errors import InputError

    needed = ["predictor", "domain", "counts", "metrics"]
    documents = tables.in_order([tables.read_document(path, needed) for path in scores])
    comparisons = [tables.read_comparison(path) for path in gffcompare or ()]
    if len({one["domain"] for one in documents}) > 1:
        raise InputError("some scores are of a prokaryote, some of a eukaryote; make a table of each")
    if tsv is not None:
        tables.write_tsv(tsv, tables.merge(documents, comparisons))
    if json_out is not None:
        tables.write_text(json_out, tables.to_json({"scores": documents, "gffcompare": comparisons}))
    tables.print_table(documents, comparisons)


def calibrate(
    genome: Annotated[
        list[Path], typer.Option(help="Folder made by `genescribe normalize`, annotated; may be repeated.")
    ],
    model: Annotated[Path, typer.Option(help="Model folder.")],
    out: Annotated[Path, typer.Option(help="JSON to write, as calibration.json of the model's folder.")],
    regions: Annotated[
        list[Path] | None, typer.Option(help="BED: use these regions alone; one for each --genome.")
    ] = None,
    doubtful_starts: Annotated[
        list[Path] | None,
        typer.Option(help="One of --genome whose start codons are not to be trusted; may be repeated."),
    ] = None,
    trained_on: Annotated[
        list[Path] | None,
        typer.Option(help="One of --genome that the model was trained on; may be repeated."),
    ] = None,
    stride: Annotated[int, typer.Option(help="Distance of windows; 0 for half of one.")] = 0,
    batch: Batch = 16,
    beam: Beam = 1,
    workers: Annotated[int, typer.Option(min=0, help="Processes on CPUs; 0 for one a core.")] = 0,
    device: Annotated[str, typer.Option(help="Where the model runs: auto, cpu, cuda or mps.")] = "auto",
) -> None:
    """Learn from annotated genomes how probable it is that a predicted gene is right.

    The genomes must not be those that the model is tested on. Those that it was trained on may be given, as
    --trained-on, too, beside others: they tell which coding genes to write, and nothing else.

    Example: genescribe calibrate --genome results/genomes/aliivibrio --model results/models/full/pretrain
        --out results/models/full/pretrain/calibration.json
    """
    from genescribe.annotation.model_folder import read_model_folder
    from genescribe.annotation.processes import start_server

    start_server()
    from genescribe.annotation.tiling import tile
    from genescribe.annotation.workers import predict_with_workers
    from genescribe.benchmark.truth import Decoded, learn
    from genescribe.errors import InputError
    from genescribe.genomes.load import load_genome
    from genescribe.genomes.regions import read_bed

    if regions and len(regions) != len(genome):
        raise InputError(f"{len(regions)} --regions for {len(genome)} --genome; give one for each, or none")
    doubtful, known = set(doubtful_starts or ()), set(trained_on or ())
    for option, folders in (("--doubtful-starts", doubtful), ("--trained-on", known)):
        if not folders <= set(genome):
            raise InputError(f"{option} must be one of --genome", min(folders - set(genome)))
    sizes = read_model_folder(model)
    decoded = []
    for number, folder in enumerate(genome):
        one = load_genome(folder)
        where = read_bed(regions[number]) if regions else None
        windows = tile(one.sequences, one.circular, sizes.window, stride or None, where)
        predictions = predict_with_workers(
            model, device, one.sequences, one.genetic_codes, windows, batch, workers, beam
        )
        decoded.append(Decoded(one, list(predictions), where, folder in doubtful, folder in known))
    calibration = learn(decoded, sizes.introns)
    calibration.write(out)
    typer.echo(
        f"coding genes: {calibration.coding.genes} with start, {calibration.stop.genes} with stop of known"
        f" truth; kept if their stop is right with a probability of {calibration.min_stop:.3f}"
    )
    typer.echo(
        f"RNA genes: {calibration.rna.genes} of known truth; kept from a score of {calibration.min_rna:.3f}"
    )


def _selection(reference: Path, prediction: Path, regions: Path | None, left_out: Path | None) -> Selection:
    from genescribe.benchmark.selection import select
    from genescribe.genomes.gff3 import read_gff3
    from genescribe.genomes.load import read_left_out
    from genescribe.genomes.regions import read_bed

    return select(
        read_gff3(reference),
        read_gff3(prediction),
        () if left_out is None else read_left_out(left_out),
        None if regions is None else read_bed(regions),
    )


def _sequences(fasta: Path, selection: Selection) -> dict[str, str]:
    """Bases of each sequence, which must hold all genes."""
    from genescribe.errors import InputError
    from genescribe.genomes.fasta import read_fasta

    sequences = {seqid: record.sequence for seqid, record in read_fasta(fasta).items()}
    for gene in (*selection.reference, *selection.predicted, *selection.neutral):
        length = len(sequences.get(gene.seqid, ""))
        # On a circle a gene may end beyond the length, but the length is known.
        circle = selection.circular.get(gene.seqid)
        if not length or (gene.longest.end > length if circle is None else circle != length):
            raise InputError(
                f"gene {gene.id} lies outside its sequence {gene.seqid}; give the genome of this annotation",
                fasta,
            )
    return sequences
