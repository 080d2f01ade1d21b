"""What a window's decoding gave: one line of JSON a window."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genescribe.annotation.tiling import Window, is_inside
from genescribe.errors import InputError
from genescribe.files import atomic_path
from genescribe.language.gene_model import KINDS, End, GeneModel

LOGPROB_DIGITS = 6
"""Log probabilities are rounded to this, so that it makes no difference whether they went through a file."""


@dataclass(frozen=True, slots=True)
class PredictedGene:
    """A gene model in a window's coordinates and the log probability that the decoder gave it."""

    model: GeneModel
    logprob: float


@dataclass(frozen=True, slots=True)
class WindowPrediction:
    """A window and its genes.

    Attributes:
        window: where it lies.
        genes: in the window's coordinates.
        truncated: whether decoding stopped at its bound, so that genes may be missing.
    """

    window: Window
    genes: tuple[PredictedGene, ...]
    truncated: bool = False


def to_json(prediction: WindowPrediction) -> str:
    """One line of JSON, without the line end."""
    window = prediction.window
    record = {
        "seqid": window.seqid,
        "piece": window.piece,
        "start": window.start,
        "length": window.length,
        "circular": window.circular,
        "reverse": window.reverse,
        "truncated": prediction.truncated,
        "genes": [
            {
                "kind": gene.model.kind,
                "strand": gene.model.strand,
                "segments": gene.model.segments,
                "left": gene.model.left.value,
                "right": gene.model.right.value,
                "lead": gene.model.lead,
                "logprob": round(gene.logprob, LOGPROB_DIGITS),
            }
            for gene in prediction.genes
        ],
    }
    return json.dumps(record, separators=(",", ":"))


def _gene(record: dict[str, Any], length: int) -> PredictedGene:
    segments = tuple((int(start), int(end)) for start, end in record["segments"])
    model = GeneModel(
        record["kind"],
        record["strand"],
        segments,
        End(record["left"]),
        End(record["right"]),
        int(record["lead"]),
    )
    bounds = [bound for segment in segments for bound in segment]
    ascending = bounds == sorted(bounds) and all(start < end for start, end in segments)
    if not segments or not ascending or bounds[0] < 0 or bounds[-1] > length:
        raise ValueError("segments must ascend inside the window")
    if model.kind not in KINDS or model.strand not in ("+", "-") or model.lead not in (0, 1, 2):
        raise ValueError("unknown kind, strand or lead")
    return PredictedGene(model, float(record["logprob"]))


def from_json(line: str) -> WindowPrediction:
    """A prediction of its line. Raises ValueError, KeyError or TypeError when it is none."""
    record = json.loads(line)
    start, end = record["piece"]
    window = Window(
        record["seqid"],
        (int(start), int(end)),
        int(record["start"]),
        int(record["length"]),
        record["circular"],
        record["reverse"],
    )
    if not is_inside(window):
        raise ValueError("the window must lie inside its piece")
    genes = tuple(_gene(gene, window.length) for gene in record["genes"])
    return WindowPrediction(window, genes, bool(record["truncated"]))


def write_predictions(path: str | Path, predictions: Iterable[WindowPrediction]) -> None:
    """Write predictions as lines of JSON; the file appears once it is whole."""
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as out:
        for prediction in predictions:
            out.write(to_json(prediction) + "\n")


def read_predictions(path: str | Path) -> Iterator[WindowPrediction]:
    """Read predictions. Raises InputError naming the line that is none."""
    try:
        with Path(path).open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, start=1):
                try:
                    yield from_json(line)
                except (ValueError, KeyError, TypeError) as error:
                    message = f"not a window's prediction ({error}); run `genescribe predict` again"
                    raise InputError(message, path, number) from error
    except (FileNotFoundError, IsADirectoryError) as error:
        raise InputError("no such file; run `genescribe predict` for this chunk", path) from error
