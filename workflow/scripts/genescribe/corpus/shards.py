"""Writing a corpus: a folder of shards with a manifest. Same inputs, same bytes."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from safetensors.numpy import save_file

from genescribe.corpus.pieces import CutPiece, cut_pieces
from genescribe.corpus.shard_format import (
    FORMAT_VERSION,
    MANIFEST,
    PieceEntry,
    gene_arrays,
    gene_reach,
    pack,
    runs,
)
from genescribe.errors import InputError
from genescribe.files import atomic_folder, sha256
from genescribe.genomes.load import Genome, load_genome
from genescribe.genomes.records import Gene, LeftOut
from genescribe.genomes.regions import read_bed
from genescribe.language.bases import N, to_codes
from genescribe.language.gene_model import KINDS
from genescribe.language.grammar import GrammarConfig

SHARD_BASES = 16_000_000
"""A shard is closed once it holds this many bases; pieces are never cut."""


class GrammarSpec(BaseModel):
    """What the grammar of a corpus has beyond genetic code and introns. Keys and defaults are
    `GrammarConfig`'s."""

    model_config = ConfigDict(extra="forbid")

    splice_sites: tuple[tuple[str, str], ...] = GrammarConfig().splice_sites
    min_intron: int = GrammarConfig().min_intron
    min_target: int = GrammarConfig().min_target
    kinds: tuple[str, ...] = KINDS


class GenomeSpec(BaseModel):
    """One genome of a corpus.

    Attributes:
        name: as it will stand in the manifest.
        folder: made by `genescribe normalize`.
        regions: BED of what belongs into this corpus; the whole genome without.
        domain: genes of eukaryotes may have introns, and their windows are drawn more often.
        doubtful_starts: the annotation's start codons are to be trusted less.
    """

    model_config = ConfigDict(extra="forbid")

    name: str
    folder: Path
    regions: Path | None = None
    domain: str = Field(pattern="^(prokaryote|eukaryote)$")
    doubtful_starts: bool = False


class CorpusSpec(BaseModel):
    """What a corpus is made of: the JSON file that `genescribe shards` reads."""

    model_config = ConfigDict(extra="forbid")

    genomes: list[GenomeSpec] = Field(min_length=1)
    grammar: GrammarSpec = GrammarSpec()


def read_spec(path: str | Path) -> CorpusSpec:
    """Read and validate a corpus specification. Raises InputError naming file and key."""
    try:
        return CorpusSpec.model_validate_json(Path(path).read_text())
    except FileNotFoundError as error:
        raise InputError("no such file; it should be a JSON corpus specification", path) from error
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"])) or "the file"
        raise InputError(f"{key}: {first['msg']}", path) from error


class _ShardWriter:
    """Gathers pieces and writes a shard whenever enough bases have come together."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.entries: list[dict[str, Any]] = []
        self._reset()

    def _reset(self) -> None:
        self._pieces: list[PieceEntry] = []
        self._parts: dict[str, list[npt.NDArray[Any]]] = {
            key: [] for key in ("bases", "n_runs", "masked", "gene_reach")
        }
        self._genes: list[Any] = []
        self._bases = 0

    def _append(self, key: str, rows: npt.NDArray[Any]) -> tuple[int, int]:
        first = sum(map(len, self._parts[key]))
        self._parts[key].append(rows)
        return first, first + len(rows)

    def add(self, genome: GenomeSpec, piece: CutPiece, genetic_code: int, kinds: tuple[str, ...]) -> None:
        """Add a piece."""
        self._genes += piece.genes
        self._pieces.append(
            PieceEntry(
                genome=genome.name,
                seqid=piece.stretch.seqid,
                start=piece.stretch.start,
                length=len(piece.codes),
                circular=piece.stretch.circular,
                genetic_code=genetic_code,
                introns=genome.domain == "eukaryote",
                doubtful_starts=genome.doubtful_starts,
                kinds=kinds,
                bases=self._append("bases", pack(piece.codes)),
                n_runs=self._append("n_runs", runs(piece.codes == N)),
                masked=self._append("masked", piece.masked),
                genes=self._append("gene_reach", gene_reach(piece.genes)),
            )
        )
        self._bases += len(piece.codes)
        if self._bases >= SHARD_BASES:
            self.flush()

    def flush(self) -> None:
        """Write what has been gathered."""
        if not self._pieces:
            return
        name = f"shard-{len(self.entries):05d}.safetensors"
        arrays = {key: np.concatenate(parts) for key, parts in self._parts.items()}
        save_file({**arrays, **gene_arrays(self._genes)}, self.folder / name)
        self.entries.append(
            {
                "file": name,
                "sha256": sha256(self.folder / name),
                "bases": self._bases,
                "pieces": [piece.to_json() for piece in self._pieces],
            }
        )
        self._reset()


def _add_genome(
    writer: _ShardWriter, spec: GenomeSpec, genome: Genome, grammar: GrammarSpec
) -> dict[str, Any]:
    """Add the pieces of a genome; give its manifest entry."""
    regions = None if spec.regions is None else read_bed(spec.regions)
    for region in regions or ():
        if region.seqid not in genome.sequences or region.end > len(genome.sequences[region.seqid]):
            where = f"{region.seqid}:{region.start + 1}-{region.end}"
            raise InputError(f"region {where} is not inside a sequence of {spec.folder}", spec.regions)
    if genome.annotation is None:
        raise InputError("the genome has no annotation: normalize it with its GFF3", spec.folder)
    annotated = {gene.kind for gene in genome.annotation.genes}
    kinds = tuple(kind for kind in KINDS if kind in annotated)
    taught: Counter[str] = Counter()
    masked: Counter[str] = Counter()
    pieces = bases = masked_bases = 0
    genes: defaultdict[str, list[Gene]] = defaultdict(list)
    left_out: defaultdict[str, list[LeftOut]] = defaultdict(list)
    for gene in genome.annotation.genes:
        genes[gene.seqid].append(gene)
    for feature in genome.left_out:
        left_out[feature.seqid].append(feature)
    for seqid in sorted(genome.sequences):
        code = genome.genetic_codes[seqid]
        codes, circular = to_codes(genome.sequences[seqid]), seqid in genome.circular
        config = GrammarConfig(genetic_code=code, introns=spec.domain == "eukaryote", **grammar.model_dump())
        for piece in cut_pieces(seqid, codes, circular, genes[seqid], left_out[seqid], config, regions):
            writer.add(spec, piece, code, kinds)
            taught += piece.taught
            masked += piece.masked_genes
            pieces += 1
            bases += len(piece.codes)
            masked_bases += int((piece.masked[:, 1] - piece.masked[:, 0]).sum())
    return {
        "name": spec.name,
        "domain": spec.domain,
        "doubtful_starts": spec.doubtful_starts,
        "genetic_codes": sorted(set(genome.genetic_codes.values())),
        "annotated_kinds": list(kinds),
        "pieces": pieces,
        "bases": bases,
        "masked_bases": masked_bases,
        "genes": dict(sorted(taught.items())),
        "masked": dict(sorted(masked.items())),
    }


def write_corpus(spec: CorpusSpec, folder: str | Path) -> dict[str, Any]:
    """Write shards and manifest of a specification; give the manifest.

    Raises:
        InputError: a genome or region file is bad, or nothing is left to teach.
    """
    with atomic_folder(folder, (MANIFEST, "shard-*.safetensors")) as temporary:
        writer = _ShardWriter(temporary)
        genomes = [
            _add_genome(writer, genome, load_genome(genome.folder), spec.grammar)
            for genome in sorted(spec.genomes, key=lambda g: g.name)
        ]
        writer.flush()
        if not writer.entries:
            raise InputError("no sequence lies inside the regions: the corpus would be empty", Path(folder))
        manifest = {
            "format": FORMAT_VERSION,
            "grammar": spec.grammar.model_dump(mode="json"),
            "bases": sum(entry["bases"] for entry in genomes),
            "genomes": genomes,
            "shards": writer.entries,
        }
        (temporary / MANIFEST).write_text(json.dumps(manifest, indent=1, sort_keys=True) + "\n")
    return manifest
