"""Commands of the annotation phase."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from genescribe.annotation.options import Batch, Beam
from genescribe.genomes.output_options import Bed, Cds, Gtf, Proteins, Summary, Tsv

if TYPE_CHECKING:
    from genescribe.annotation.predictions import WindowPrediction
    from genescribe.annotation.stitch import StitchSettings
    from genescribe.annotation.target import Target
    from genescribe.genomes.formats import Outputs


class Device(StrEnum):
    """Where the model runs."""

    AUTO = "auto"
    CPU = "cpu"
    CUDA = "cuda"
    MPS = "mps"


class Control(StrEnum):
    """Control rows of the benchmark; see `genescribe.annotation.controls`."""

    RANDOM_WEIGHTS = "random_weights"
    NO_CROSS_ATTENTION = "no_cross_attention"
    DENSE_ORF = "dense_orf"


def annotate(
    genome: Annotated[
        Path, typer.Argument(help="FASTA, plain or compressed, or a normalised genome's folder.")
    ],
    out: Annotated[Path, typer.Option(help="GFF3 to write.")],
    model: Annotated[
        Path | None, typer.Option(help="Model folder; the bundled weights for prokaryotes, if left out.")
    ] = None,
    genetic_code: Annotated[int, typer.Option(help="NCBI translation table.")] = 11,
    circular: Annotated[list[str] | None, typer.Option(help="Circular sequence; may be repeated.")] = None,
    proteins: Proteins = None,
    cds: Cds = None,
    gtf: Gtf = None,
    bed: Bed = None,
    tsv: Tsv = None,
    summary: Summary = None,
    regions: Annotated[Path | None, typer.Option(help="BED: annotate these regions alone.")] = None,
    min_score: Annotated[
        float | None,
        typer.Option(min=0.0, max=1.0, help="Least score of a gene; left out, its stop must be probable."),
    ] = None,
    stride: Annotated[int, typer.Option(help="Distance of windows; 0 for half of one.")] = 0,
    batch: Batch = 16,
    beam: Beam = 1,
    workers: Annotated[int, typer.Option(min=0, help="Processes on CPUs; 0 for one a core.")] = 0,
    device: Annotated[Device, typer.Option(help="Where the model runs; mps is untested.")] = Device.AUTO,
) -> None:
    """Annotate a genome: write its genes as GFF3.

    Example: genescribe annotate genome.fna.gz --model results/models/demo/finetune --out genes.gff3
    """
    from genescribe.annotation.processes import start_server

    start_server()
    from genescribe.annotation.calibration import folder_calibration
    from genescribe.annotation.model_folder import bundled_model, read_model_folder
    from genescribe.annotation.stitch import StitchSettings
    from genescribe.annotation.target import read_target
    from genescribe.annotation.tiling import tile
    from genescribe.annotation.workers import predict_with_workers
    from genescribe.files import check_outputs
    from genescribe.genomes.formats import Outputs
    from genescribe.genomes.regions import read_bed

    outputs = Outputs(out, gtf, bed, tsv, proteins, cds, summary)
    check_outputs(outputs.paths, (genome, regions))
    target = read_target(genome, genetic_code, frozenset(circular or ()))
    folder = model or bundled_model()
    where = None if regions is None else read_bed(regions)
    window = read_model_folder(folder).window
    windows = tile(target.sequences, target.circular, window, stride or None, where)
    predictions = predict_with_workers(
        folder, device, target.sequences, target.genetic_codes, windows, batch, workers, beam
    )
    settings = StitchSettings(folder_calibration(folder), min_score)
    _stitch_and_write(predictions, target, settings, outputs)


def predict(
    genome: Annotated[Path, typer.Option(help="Folder made by `genescribe normalize`.")],
    model: Annotated[Path, typer.Option(help="Model folder.")],
    out: Annotated[Path, typer.Option(help="Predictions to write, one line of JSON a window.")],
    regions: Annotated[Path | None, typer.Option(help="BED: decode these regions alone.")] = None,
    chunk: Annotated[int, typer.Option(min=0, help="Which chunk of the windows, from 0.")] = 0,
    chunks: Annotated[int, typer.Option(min=1, help="How many chunks there are.")] = 1,
    stride: Annotated[int, typer.Option(help="Distance of windows; 0 for half of one.")] = 0,
    batch: Batch = 16,
    beam: Beam = 1,
    workers: Annotated[
        int, typer.Option(min=0, help="Processes on CPUs; 0 for one a core. A control has one.")
    ] = 1,
    device: Annotated[Device, typer.Option(help="Where the model runs; mps is untested.")] = Device.AUTO,
    control: Annotated[Control | None, typer.Option(help="A control instead of the model.")] = None,
) -> None:
    """Decode one chunk of a genome's windows; `genescribe stitch` joins the chunks.

    Example: genescribe predict --genome results/genomes/ecoli --model results/models/demo/finetune --chunk 0
        --chunks 8 --out chunk-0.jsonl
    """
    from genescribe.annotation.processes import start_server

    if control is None:
        start_server()
    from genescribe.annotation.model_folder import read_model_folder
    from genescribe.annotation.predictions import write_predictions
    from genescribe.annotation.target import read_target
    from genescribe.annotation.tiling import chunk as chunk_of
    from genescribe.annotation.tiling import tile
    from genescribe.annotation.workers import predict_with_workers
    from genescribe.genomes.regions import read_bed

    target = read_target(genome)
    where = None if regions is None else read_bed(regions)
    window = read_model_folder(model).window
    windows = tile(target.sequences, target.circular, window, stride or None, where)
    part = chunk_of(windows, chunk, chunks)
    read = target.sequences, target.genetic_codes, part, batch
    if control is None:
        predictions = predict_with_workers(model, device, *read, workers, beam)
    else:
        from genescribe.annotation.predict import choose_device, control_decoder, load_model
        from genescribe.annotation.predict import predict as predict_windows

        changed, decode = control_decoder(load_model(model, choose_device(device)), control)
        predictions = predict_windows(changed, *read, decode)
    write_predictions(out, predictions)


def stitch(
    chunks: Annotated[list[Path], typer.Argument(help="Predictions of all chunks, in any order.")],
    genome: Annotated[Path, typer.Option(help="Folder made by `genescribe normalize`, or FASTA.")],
    out: Annotated[Path, typer.Option(help="GFF3 to write.")],
    proteins: Proteins = None,
    cds: Cds = None,
    gtf: Gtf = None,
    bed: Bed = None,
    tsv: Tsv = None,
    summary: Summary = None,
    counts: Annotated[Path | None, typer.Option(help="JSON of what was joined and dropped.")] = None,
    genetic_code: Annotated[int, typer.Option(help="NCBI translation table, for a FASTA file.")] = 11,
    circular: Annotated[list[str] | None, typer.Option(help="Circular sequence of a FASTA file.")] = None,
    model: Annotated[
        Path | None, typer.Option(help="Folder of the model, whose calibration gives the scores.")
    ] = None,
    min_score: Annotated[
        float | None,
        typer.Option(min=0.0, max=1.0, help="Least score of a gene; left out, its stop must be probable."),
    ] = None,
    max_overlap: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="Share of a gene that a more probable one may cover.")
    ] = 0.5,
) -> None:
    """Join the genes of overlapping windows to the genes of whole sequences.

    Example: genescribe stitch chunk-0.jsonl chunk-1.jsonl --genome results/genomes/ecoli --out genes.gff3
    """
    from itertools import chain

    from genescribe.annotation.calibration import UNCALIBRATED, folder_calibration
    from genescribe.annotation.predictions import read_predictions
    from genescribe.annotation.stitch import StitchSettings
    from genescribe.annotation.target import read_target
    from genescribe.files import check_outputs
    from genescribe.genomes.formats import Outputs

    outputs = Outputs(out, gtf, bed, tsv, proteins, cds, summary)
    check_outputs((*outputs.paths, counts), (genome, *chunks))
    target = read_target(genome, genetic_code, frozenset(circular or ()))
    predictions = chain.from_iterable(map(read_predictions, chunks))
    calibration = UNCALIBRATED if model is None else folder_calibration(model)
    settings = StitchSettings(calibration, min_score, max_overlap)
    _stitch_and_write(predictions, target, settings, outputs, counts)


def _stitch_and_write(
    predictions: Iterable[WindowPrediction],
    target: Target,
    settings: StitchSettings,
    outputs: Outputs,
    counts: Path | None = None,
) -> None:
    from genescribe.annotation.stitch import stitch as stitch_windows
    from genescribe.annotation.write import write_outputs
    from genescribe.language.grammar import GrammarConfig

    # Where the model writes no introns, no prediction has any.
    grammars = {
        seqid: GrammarConfig(genetic_code=code, introns=True) for seqid, code in target.genetic_codes.items()
    }
    result = stitch_windows(predictions, target.sequences, target.circular, grammars, settings)
    write_outputs(result, target, outputs, counts)
    for name, count in result.counts.items():
        typer.echo(f"{name}: {count}")
