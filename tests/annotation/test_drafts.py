"""Assemblies as users have them: drafts, plasmids, circles cut anywhere, N runs, bins of a metagenome.

The sequence is real, or real sequence that was cut, turned or masked. A predictor that makes no mistake
stands in for the model: whatever is wrong in the result is the fault of tiling, stitching or writing. What is
to come out is worked out here by cutting the true genes, without the codec.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import pytest
from genescribe.annotation.predictions import WindowPrediction
from genescribe.annotation.stitch import StitchResult, StitchSettings, stitch
from genescribe.annotation.target import Target
from genescribe.annotation.tiling import Window, tile
from genescribe.corpus.stretches import find_gaps
from genescribe.genomes.proteins import translate
from genescribe.genomes.records import Gene
from genescribe.genomes.source import read_source
from genescribe.language.bases import to_codes
from genescribe.language.check import check
from genescribe.language.gene_model import PROTEIN_CODING, End, GeneModel
from genescribe.language.grammar import GrammarConfig

ROOT = Path(__file__).parents[2]
MIN_TARGET = GrammarConfig().min_target
WINDOW = 6144
Genes = dict[str, list[GeneModel]]
Perfect = Callable[[Target, Mapping[str, Sequence[GeneModel]], Sequence[Window]], list[WindowPrediction]]
Written = Callable[[Target, StitchResult], list[Gene]]


@dataclass(frozen=True)
class Known:
    """A genome and those of its genes that the grammar writes."""

    target: Target
    genes: Genes

    @classmethod
    def read(cls, folder: Path) -> Known:
        source = read_source(folder / "genome.fna.gz", folder / "annotation.gff3.gz", "11")
        target = Target(source.sequences, frozenset(source.annotation.circular), source.genetic_codes)
        genes: Genes = {seqid: [] for seqid in target.sequences}
        for gene in source.annotation.genes:
            genes[gene.seqid].append(gene.target.model)
        return cls(target, genes).writable()

    def writable(self) -> Known:
        """The genes as they are to come out: cut at gaps, and without what the grammar does not write."""
        genes: Genes = {}
        for seqid, models in self.genes.items():
            codes = to_codes(self.target.sequences[seqid])
            grammar = GrammarConfig(genetic_code=self.target.genetic_codes[seqid])
            kept = genes[seqid] = []
            borders = [0, *find_gaps(codes).reshape(-1).tolist(), len(codes)]
            is_circle = seqid in self.target.circular and len(borders) == 2
            for start, end in zip(borders[::2], borders[1::2], strict=True):
                within = [one for one in dict.fromkeys(models) if one.kind != "pseudogene"]
                for one in within if is_circle else cut_out(within, start, end):
                    if one.length >= MIN_TARGET and not check(
                        codes[start:end], one, grammar, labels=False, circular=is_circle
                    ):
                        kept.append(one.shifted(start))
        return Known(self.target, genes)


def cut_out(models: Iterable[GeneModel], start: int, end: int) -> Iterator[GeneModel]:
    """What of genes lies from `start` to `end`, counted from there. What is cut has one segment."""
    for model in models:
        if model.end <= start or end <= model.start:
            continue
        if start <= model.start and model.end <= end:
            yield model.shifted(-start)
            continue
        ((first, last),) = model.segments
        inside = max(first, start), min(last, end)
        is_coding = model.kind == PROTEIN_CODING
        cut = replace(
            model,
            segments=((inside[0] - start, inside[1] - start),),
            left=End.OPEN if first < start else model.left,
            right=End.OPEN if end < last else model.right,
            lead=(model.lead + inside[0] - first) % 3 if is_coding else 0,
        )
        if cut.length >= MIN_TARGET:
            yield cut


def contigs(known: Known, seqid: str, cuts: Iterable[int]) -> Known:
    """A sequence in pieces, all of them, and its genes."""
    sequence = known.target.sequences[seqid]
    borders = [0, *sorted(cuts), len(sequence)]
    sequences: dict[str, str] = {}
    genes: Genes = {}
    for number, (start, end) in enumerate(pairwise(borders), start=1):
        name = f"{seqid}_c{number}"
        sequences[name] = sequence[start:end]
        genes[name] = list(cut_out(known.genes[seqid], start, end))
    code = known.target.genetic_codes[seqid]
    return Known(Target(sequences, frozenset(), dict.fromkeys(sequences, code)), genes)


def turned(known: Known, seqid: str, origin: int) -> Known:
    """A circle that is written from another base on."""
    sequence = known.target.sequences[seqid]
    length = len(sequence)
    genes = []
    for model in known.genes[seqid]:
        moved = model.shifted(-origin)
        genes.append(moved.shifted(-(moved.start // length) * length))
    target = replace(known.target, sequences={seqid: sequence[origin:] + sequence[:origin]})
    return Known(target, {seqid: genes})


def stitched(known: Known, perfect: Perfect, window: int = WINDOW, stride: int | None = None) -> StitchResult:
    windows = tile(known.target.sequences, known.target.circular, window, stride)
    predictions = perfect(known.target, known.genes, windows)
    random.Random(len(predictions)).shuffle(predictions)
    grammars = {seqid: GrammarConfig(genetic_code=code) for seqid, code in known.target.genetic_codes.items()}
    settings = StitchSettings(max_overlap=1.0)
    return stitch(predictions, known.target.sequences, known.target.circular, grammars, settings)


def assert_same(genes: Iterable[Gene], known: Known) -> None:
    found = {(gene.seqid, gene.target.model) for gene in genes}
    expected = {(seqid, model) for seqid, models in known.genes.items() for model in models}
    assert len(expected) > 0
    assert found - expected == set()
    assert expected - found == set()


@pytest.fixture(scope="module")
def ecoli() -> Known:
    known = Known.read(ROOT / "resources" / "genomes" / "escherichia_coli_k12")
    (models,) = known.genes.values()
    # The one gene of two segments is joined over a frameshift, which is not written.
    assert len(models) > 4000 and all(len(one.segments) == 1 for one in models)
    return known


SEQID = "NC_000913.2"


def part(known: Known, start: int, end: int) -> Known:
    """A stretch of the bundled chromosome, with the genes that lie wholly inside."""
    target = replace(
        known.target, sequences={SEQID: known.target.sequences[SEQID][start:end]}, circular=frozenset()
    )
    inside = [one.shifted(-start) for one in known.genes[SEQID] if start <= one.start and one.end <= end]
    return Known(target, {SEQID: inside})


def test_a_draft_of_300_contigs(ecoli: Known, perfect: Perfect, written: Written) -> None:
    draw = random.Random(300)
    length = len(ecoli.target.sequences[SEQID])
    cuts = set(draw.sample(range(1, length), 279))
    # Assemblies have scraps too: some shorter than any gene, others shorter than a window.
    cuts |= {cut + draw.choice([1, 30, 59, 60, 61, 200, 500, 1500]) for cut in sorted(cuts)[:200:10]}
    draft = contigs(ecoli, SEQID, [cut for cut in cuts if cut < length])
    sizes = [len(sequence) for sequence in draft.target.sequences.values()]
    assert len(sizes) == 300
    assert min(sizes) == 1 and sum(size < WINDOW for size in sizes) > 90
    genes = written(draft.target, stitched(draft, perfect))
    assert_same(genes, draft)
    partial = [gene for gene in genes if not gene.target.model.is_complete]
    assert 400 < len(partial) < 600
    both = [gene for gene in partial if End.CLOSED not in (gene.target.model.left, gene.target.model.right)]
    assert both, "contigs inside a gene"
    _partial_proteins_are_parts_of_whole_ones(ecoli, draft, partial)


def _partial_proteins_are_parts_of_whole_ones(whole: Known, draft: Known, partial: Iterable[Gene]) -> None:
    """The frame is kept at contig ends: what is translated there is a piece of the whole gene's protein."""
    sequence = whole.target.sequences[SEQID]
    proteins = "|".join(
        translate(one, sequence, 11) for one in whole.genes[SEQID] if one.kind == PROTEIN_CODING
    )
    for gene in partial:
        if gene.kind == PROTEIN_CODING:
            protein = translate(gene.target.model, draft.target.sequences[gene.seqid], 11)
            assert len(protein) >= MIN_TARGET // 3 - 2
            assert protein in proteins, gene.id


@pytest.mark.parametrize("place", ["start codon", "codon position 2", "middle", "stop codon"])
@pytest.mark.parametrize("strand", "+-")
def test_a_circle_that_begins_inside_a_gene(
    ecoli: Known, perfect: Perfect, written: Written, place: str, strand: str
) -> None:
    """A stretch of the chromosome, closed to a circle: the whole is long for eight times."""
    stretch = part(ecoli, 1_200_000, 1_260_000)
    circle = replace(stretch, target=replace(stretch.target, circular=frozenset({SEQID})))
    gene = max((one for one in circle.genes[SEQID] if one.strand == strand), key=lambda one: one.length)
    inside = {"start codon": 1, "codon position 2": 301, "middle": gene.length // 2, "stop codon": -2}[place]
    origin = gene.start + inside % gene.length if strand == "+" else gene.end - inside % gene.length
    again = turned(circle, SEQID, origin)
    genes = written(again.target, stitched(again, perfect))
    assert_same(genes, again)
    (over,) = [one for one in genes if one.end > 60_000]
    assert translate(over.target.model, again.target.sequences[SEQID], 11) == translate(
        gene, circle.target.sequences[SEQID], 11
    )


@pytest.mark.slow
def test_the_whole_chromosome_turned(ecoli: Known, perfect: Perfect, written: Written) -> None:
    gene = max(ecoli.genes[SEQID], key=lambda one: one.length)
    again = turned(ecoli, SEQID, gene.start + 1000)
    genes = written(again.target, stitched(again, perfect, stride=4608))
    assert_same(genes, again)
    assert len([one for one in genes if one.end > len(again.target.sequences[SEQID])]) == 1


@pytest.mark.parametrize("is_circle", [False, True])
def test_n_runs(ecoli: Known, perfect: Perfect, written: Written, is_circle: bool) -> None:
    """Long runs part the sequence, and genes are partial there; short runs are bases like others."""
    draw = random.Random(7)
    stretch = part(ecoli, 2_000_000, 2_300_000)
    sequence = stretch.target.sequences[SEQID]
    runs = [1, 3, 20, 49, 50, 51, 300, 3000] * 5
    masked = sequence
    for place, run in zip(sorted(draw.sample(range(5_000, 290_000, 4_000), 40)), runs, strict=True):
        masked = masked[:place] + "N" * run + masked[place + run :]
    circular = frozenset({SEQID}) if is_circle else frozenset[str]()
    target = replace(stretch.target, sequences={SEQID: masked}, circular=circular)
    known = Known(target, stretch.genes).writable()
    genes = written(target, stitched(known, perfect))
    assert_same(genes, known)
    # 20 long runs, most of them inside a gene; those of 3000 bases cover some wholly.
    assert 15 < sum(not gene.target.model.is_complete for gene in genes) <= 40
    inside_runs = [
        gene for gene in genes if "N" in masked[gene.start : gene.end] and gene.target.model.is_complete
    ]
    assert len(inside_runs) > 10, "genes over short runs are whole"


def collection() -> Path:
    folder = os.environ.get("GENESCRIBE_GENOMES")
    if not folder:
        pytest.skip("GENESCRIBE_GENOMES names no folder of genomes")
    return Path(folder)


@pytest.mark.genomes
@pytest.mark.parametrize(
    ("name", "partial"),
    [
        ("Acidianus_ambivalens_DSM3772_GCF_009428885.1", 35),
        pytest.param("Leptospira_kirschneri_H1_draft", 11, marks=pytest.mark.slow),
        pytest.param("Oscillibacter_acetigenes_H4_59_JAOQKG01", 64, marks=pytest.mark.slow),
    ],
)
def test_real_drafts(perfect: Perfect, written: Written, name: str, partial: int) -> None:
    """Assemblies of 13 to 65 contigs, with genes that run past a contig's end or into a gap."""
    known = Known.read(collection() / name)
    genes = written(known.target, stitched(known, perfect))
    assert_same(genes, known)
    assert sum(not gene.target.model.is_complete for gene in genes) == partial


@pytest.mark.genomes
@pytest.mark.parametrize(
    ("name", "sequence", "over_the_origin"),
    [
        pytest.param("phiX174_NC_001422", "NC_001422.1", 3, id="a circle shorter than a window"),
        pytest.param(
            "Acinetobacter_baumannii_AB0057_GCF_000021245.2", "NC_011585.2", 0, id="a plasmid of 8.7 kb"
        ),
        pytest.param("Aliivibrio_fischeri_MJ11_GCF_000020845.1", "NC_011185.1", 0, id="a plasmid of 179 kb"),
        pytest.param(
            *("Thermococcus_kodakarensis", "NC_006624.1", 1),
            id="four bases behind the origin",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_real_circles(
    perfect: Perfect, written: Written, name: str, sequence: str, over_the_origin: int
) -> None:
    known = Known.read(collection() / name)
    known = Known(
        replace(
            known.target,
            sequences={sequence: known.target.sequences[sequence]},
            circular=frozenset({sequence}),
        ),
        {sequence: known.genes[sequence]},
    )
    genes = written(known.target, stitched(known, perfect))
    assert_same(genes, known)
    assert sum(gene.end > len(known.target.sequences[sequence]) for gene in genes) == over_the_origin


def metagenome(folder: Path) -> Known:
    """A bin of 500 contigs, 300 bases to 12 kb, sampled from four genomes without regard to their genes."""
    draw = random.Random(500)
    names = (
        *("Methanothermobacter_thermautotrophicus", "Methanococcus_maripaludis"),
        *("Chlamydia_trachomatis_GCF_000026905.1", "Bartonella_henselae_FDAARGOS_1462_GCF_019930925.1"),
    )
    sequences: dict[str, str] = {}
    genes: Genes = {}
    for name in names:
        known = Known.read(folder / name)
        for seqid, sequence in known.target.sequences.items():
            for _ in range(125):
                length = int(300 * 40 ** draw.random())
                start = draw.randrange(len(sequence) - length)
                contig = f"k{len(sequences) + 1}"
                sequences[contig] = sequence[start : start + length]
                # A gene over the origin also lies before the first base.
                models = [*known.genes[seqid], *(one.shifted(-len(sequence)) for one in known.genes[seqid])]
                genes[contig] = list(cut_out(models, start, start + length))
    return Known(Target(sequences, frozenset(), dict.fromkeys(sequences, 11)), genes)


@pytest.mark.genomes
def test_a_bin_of_500_contigs_of_a_metagenome(perfect: Perfect, written: Written) -> None:
    known = metagenome(collection())
    sizes = [len(sequence) for sequence in known.target.sequences.values()]
    assert len(sizes) == 500 and min(sizes) < 320 and sum(size < 1000 for size in sizes) > 100
    genes = written(known.target, stitched(known, perfect))
    assert_same(genes, known)
    assert sum(not gene.target.model.is_complete for gene in genes) > 500
