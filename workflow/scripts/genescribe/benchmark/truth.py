"""Predicted genes of known truth, from which a calibration is learnt."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from genescribe.annotation.calibration import (
    UNCALIBRATED,
    Calibration,
    Curve,
    Evidence,
    best_threshold,
    fit_curve,
)
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
"""What a verdict is worth where it is chosen which genes are kept; see `calibration.best_threshold`."""

MANY_GENES = 200
"""So many verdicts may choose which genes are kept."""


@dataclass(frozen=True)
class Decoded:
    """A genome to learn from.

    Attributes:
        genome: annotated.
        predictions: of its windows.
        regions: that were decoded; None for everything.
        doubtful_starts: whether start codons of its annotation are not to be trusted: then its coding genes
            teach right stop codons alone.
        trained_on: whether the model learnt from it: then its RNA genes teach nothing, and its coding genes
            right stop codons alone.
    """

    genome: Genome
    predictions: Sequence[WindowPrediction]
    regions: Sequence[Region] | None = None
    doubtful_starts: bool = False
    trained_on: bool = False

    @property
    def stops_alone(self) -> bool:
        """Whether its coding genes teach right stop codons alone."""
        return self.doubtful_starts or self.trained_on


@dataclass
class Judged:
    """Genes of known truth, what each is worth, and how many genes the reference has in all."""

    evidence: list[Evidence] = field(default_factory=list)
    credit: list[float] = field(default_factory=list)
    reference: int = 0

    def curve(self, least_credit: float) -> Curve:
        """The curve of genes that are worth so much to be so."""
        return fit_curve(self.evidence, [one >= least_credit for one in self.credit])

    def threshold(self, curve: Curve, *curves: Curve) -> float:
        """The least probability by a curve of genes that are best kept.

        With fewer than `MANY_GENES` a gene is worth its mean probability by the curve and by others: verdicts
        would choose by chance. They do so all the same where there were too few for a curve.
        """
        probabilities = [curve.probability(one) for one in self.evidence]
        worth = self.credit
        if curve.genes < MANY_GENES and curve != Curve(genes=curve.genes):
            others = [[other.probability(one) for one in self.evidence] for other in curves]
            worth = np.mean([probabilities, *others], axis=0).tolist()
        return best_threshold(probabilities, worth, self.reference)


@dataclass
class Truth:
    """Judged genes of several genomes: coding genes, those whose starts can be trusted, and RNA genes of the
    kinds that are scored."""

    coding: Judged = field(default_factory=Judged)
    trusted: Judged = field(default_factory=Judged)
    rna: Judged = field(default_factory=Judged)
    genomes: list[str] = field(default_factory=list)
    stops_alone: list[str] = field(default_factory=list)

    def add(self, one: Decoded, result: StitchResult) -> None:
        """Judge the genes of a genome by its annotation, with the rules of the scorer.

        Args:
            one: the genome, annotated.
            result: its stitched genes, of which none was dropped for a low score.

        Raises:
            InputError: the genome has no annotation.
        """
        genome = one.genome
        if genome.annotation is None:
            raise InputError(f"{genome.name} has no annotation to learn a calibration from")
        named = name_genes(result.genes)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "genes.gff3"
            write_gff3(path, named, genome.lengths, genome.circular, genetic_codes=genome.genetic_codes)
            prediction = read_gff3(path, genome.lengths, genome.genetic_code)
        selection = select(genome.annotation, prediction, genome.left_out, one.regions)
        _, table = score(selection, guess_domain(selection) if selection.reference else PROKARYOTE)
        judged = table[(table["side"] == "predicted") & (table["class"] != NEUTRAL)]
        verdicts = dict(zip(judged["id"], judged["class"], strict=True))
        for written, gene in zip(named, result.genes, strict=True):
            verdict = verdicts.get(written.id)
            if verdict is None:
                continue
            credit = CREDIT.get(verdict, 0.0)
            if gene.model.kind != PROTEIN_CODING:
                groups = [] if one.trained_on else [self.rna]
            elif one.stops_alone:
                # A right stop codon is all that can be told.
                groups, credit = [self.coding], float(credit > 0)
            else:
                groups = [self.coding, self.trusted]
            for group in groups:
                group.evidence.append(gene.evidence)
                group.credit.append(credit)
        self.coding.reference += sum(gene.kind == PROTEIN_CODING for gene in selection.reference)
        if not one.trained_on:
            self.rna.reference += sum(gene.kind in RNA_KINDS for gene in selection.reference)
        self.genomes.append(genome.name)
        if one.stops_alone:
            self.stops_alone.append(genome.name)

    def calibration(self) -> Calibration:
        """The calibration that fits them best."""
        exact, stop = self.trusted.curve(CREDIT[EXACT]), self.coding.curve(CREDIT[WRONG_START])
        rna = self.rna.curve(CREDIT[OVERLAP])
        return Calibration(
            coding=exact,
            stop=stop,
            rna=rna,
            min_stop=self.coding.threshold(stop, exact),
            min_rna=self.rna.threshold(rna),
            fitted_on=tuple(self.genomes),
            stops_alone=tuple(self.stops_alone),
        )


def learn(genomes: Sequence[Decoded], introns: bool) -> Calibration:
    """The calibration that fits annotated genomes best.

    Stitching chooses between versions of a gene by their scores, so it is done twice: with the decoder's own
    probabilities, and with the calibration that the genes of that give.

    Args:
        genomes: to learn from.
        introns: whether the model writes introns.
    """
    calibration = UNCALIBRATED
    for _ in range(2):
        truth = Truth()
        for one in genomes:
            grammars = {
                seqid: GrammarConfig(genetic_code=code, introns=introns)
                for seqid, code in one.genome.genetic_codes.items()
            }
            settings = StitchSettings(calibration, min_score=0.0)
            result = stitch(one.predictions, one.genome.sequences, one.genome.circular, grammars, settings)
            truth.add(one, result)
        calibration = truth.calibration()
    return calibration
