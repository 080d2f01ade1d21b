"""GeneScribe from Python: load a model, annotate a sequence. `import genescribe` offers these by name."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from genescribe.annotation.predict import choose_device, model_calibration, predict
from genescribe.annotation.predict import load_model as load_on_device
from genescribe.annotation.stitch import StitchedGene, StitchSettings, stitch
from genescribe.annotation.tiling import tile
from genescribe.errors import InputError
from genescribe.genomes.fasta import read_fasta
from genescribe.genomes.proteins import translate
from genescribe.language.gene_model import PROTEIN_CODING
from genescribe.language.grammar import GrammarConfig
from genescribe.model.generation import generate
from genescribe.model.modeling import GeneScribeModel

__all__ = ["AnnotatedGene", "annotate_sequence", "load_model", "read_fasta"]

_NAME = "sequence"


@dataclass(frozen=True, slots=True)
class AnnotatedGene:
    """A gene of a sequence.

    Attributes:
        start: first base, 0-based.
        end: one past the last base; on a circle beyond its length for a gene over the origin.
        strand: "+" or "-".
        kind: "protein_coding", "tRNA", "rRNA", "ncRNA", "tmRNA" or "pseudogene".
        segments: (start, end) of the coding segments or exons, ascending; introns lie between.
        score: probability of the gene, 0 to 1.
        partial: whether the gene runs past an end of the sequence or into a gap.
        protein: amino acids without the stop; empty unless the kind is protein_coding.
    """

    start: int
    end: int
    strand: str
    kind: str
    segments: tuple[tuple[int, int], ...]
    score: float
    partial: bool
    protein: str


def load_model(folder: str | Path, device: str = "auto") -> GeneScribeModel:
    """Load the model of a folder.

    Args:
        folder: as `genescribe train` writes it.
        device: "cpu", "cuda", "mps", or "auto" for the fastest there is.

    Raises:
        InputError: the folder holds no model, or there is no such device.
    """
    return load_on_device(Path(folder), choose_device(device))


def annotate_sequence(
    model: GeneScribeModel,
    sequence: str,
    *,
    genetic_code: int = 11,
    circular: bool = False,
    min_score: float | None = None,
    batch: int = 16,
    beam: int = 1,
) -> list[AnnotatedGene]:
    """Genes of one sequence, from left to right. The same as `genescribe annotate` writes.

    Args:
        model: from `load_model`.
        sequence: bases in upper or lower case, of any length; what is not ACGT or U is unknown.
        genetic_code: NCBI translation table.
        circular: whether the sequence is a circle.
        min_score: least score of a gene; if you name none, its stop codon must be as probable as the model's
            calibration found best.
        batch: windows decoded side by side.
        beam: sentences followed side by side in a window; 1 is greedy decoding.

    Raises:
        InputError: the sequence is empty or the genetic code unknown.
    """
    if not sequence:
        raise InputError("the sequence is empty; give its bases")
    bases = sequence.upper().replace("U", "T")
    sequences, circles = {_NAME: bases}, {_NAME} if circular else set()
    windows = tile(sequences, circles, model.config.window)
    decode = partial(generate, beam=beam)
    predictions = predict(model, sequences, {_NAME: genetic_code}, windows, batch, decode)
    grammars = {_NAME: GrammarConfig(genetic_code=genetic_code, introns=True)}
    result = stitch(
        predictions, sequences, circles, grammars, StitchSettings(model_calibration(model), min_score)
    )
    return [_annotated(gene, bases, genetic_code) for gene in result.genes]


def _annotated(gene: StitchedGene, bases: str, genetic_code: int) -> AnnotatedGene:
    model = gene.model
    return AnnotatedGene(
        start=model.start,
        end=model.end,
        strand=model.strand,
        kind=model.kind,
        segments=model.segments,
        score=gene.score,
        partial=not model.is_complete,
        protein=translate(model, bases, genetic_code) if model.kind == PROTEIN_CODING else "",
    )
