"""Predicted genes of known truth, from which a calibration is learnt."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from genescribe.annotation.calibration import UNCALIBRATED, Calibration, Evidence, fit_curve
from genescribe.annotation.predictions import WindowPrediction
from genescribe.annotation.stitch import StitchResult, StitchSettings, stitch
from genescribe.annotation.write import name_genes
from genescribe.benchmark.gene_table import EXACT, NEUTRAL, OVERLAP, WRONG_START
from genescribe.benchmark.scorer import PROKARYOTE, guess_domain, score
from genescribe.benchmark.selection import select
from genescribe.errors import InputError
from genescribe.genomes.gff3 import read_gff3
from genescribe.genomes.gff3_writer import write_gff3
from genescribe.genomes.load import Genome
from genescribe.genomes.regions import Region
from genescribe.language.gene_model import PROTEIN_CODING, RNA_KINDS
from genescribe.language.grammar import GrammarConfig

CREDIT = {EXACT: 1.0, OVERLAP: 1.0, WRONG_START: 0.5}
"""What a verdict is worth where the least score of a gene is chosen; see `calibration.best_threshold`."""


@dataclass
class Judged:
    """Genes of known truth, and how many genes the reference has in all."""

    evidence: list[Evidence] = field(default_factory=list)
    credit: list[float] = field(default_factory=list)
    reference: int = 0

    def curve_arguments(self) -> tuple[Sequence[Evidence], Sequence[float], int]:
        """What `fit_curve` takes."""
        return self.evidence, self.credit, self.reference


@dataclass
class Truth:
    """Judged genes of several genomes: coding genes, and RNA genes of the kinds that are scored."""

    coding: Judged = field(default_factory=Judged)
    rna: Judged = field(default_factory=Judged)
    genomes: list[str] = field(default_factory=list)

    def add(self, genome: Genome, result: StitchResult, regions: Sequence[Region] | None) -> None:
        """Judge the genes of a genome by its annotation, with the rules of the scorer.

        Args:
            genome: annotated.
            result: its stitched genes, of which none was dropped for a low score.
            regions: where they were looked for; None for everywhere.

        Raises:
            InputError: the genome has no annotation.
        """
        if genome.annotation is None:
            raise InputError(f"{genome.name} has no annotation to learn a calibration from")
        named = name_genes(result.genes)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "genes.gff3"
            write_gff3(path, named, genome.lengths, genome.circular, genetic_codes=genome.genetic_codes)
            prediction = read_gff3(path, genome.lengths, genome.genetic_code)
        selection = select(genome.annotation, prediction, genome.left_out, regions)
        _, table = score(selection, guess_domain(selection) if selection.reference else PROKARYOTE)
        judged = table[(table["side"] == "predicted") & (table["class"] != NEUTRAL)]
        verdicts = dict(zip(judged["id"], judged["class"], strict=True))
        for one, gene in zip(named, result.genes, strict=True):
            verdict = verdicts.get(one.id)
            if verdict is None:
                continue
            group = self.coding if gene.model.kind == PROTEIN_CODING else self.rna
            group.evidence.append(gene.evidence)
            group.credit.append(CREDIT.get(verdict, 0.0))
        self.coding.reference += sum(gene.kind == PROTEIN_CODING for gene in selection.reference)
        self.rna.reference += sum(gene.kind in RNA_KINDS for gene in selection.reference)
        self.genomes.append(genome.name)

    def calibration(self) -> Calibration:
        """The calibration that fits them best."""
        return Calibration(
            fit_curve(*self.coding.curve_arguments()),
            fit_curve(*self.rna.curve_arguments()),
            tuple(self.genomes),
        )


def learn(
    decoded: Sequence[tuple[Genome, Sequence[Region] | None, Sequence[WindowPrediction]]], introns: bool
) -> Calibration:
    """The calibration that fits annotated genomes best.

    Stitching chooses between versions of a gene by their scores, so it is done twice: with the decoder's own
    probabilities, and with the calibration that the genes of that give.

    Args:
        decoded: each genome, the regions that were decoded or None for everything, and the predictions.
        introns: whether the model writes introns.
    """
    calibration = UNCALIBRATED
    for _ in range(2):
        truth = Truth()
        for genome, regions, predictions in decoded:
            grammars = {
                seqid: GrammarConfig(genetic_code=code, introns=introns)
                for seqid, code in genome.genetic_codes.items()
            }
            settings = StitchSettings(calibration, min_score=0.0)
            result = stitch(predictions, genome.sequences, genome.circular, grammars, settings)
            truth.add(genome, result, regions)
        calibration = truth.calibration()
    return calibration
