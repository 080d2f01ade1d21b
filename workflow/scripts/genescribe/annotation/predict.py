"""Decoding windows of a genome with a model."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError

from genescribe.annotation.calibration import (
    UNCALIBRATED,
    Calibration,
    folder_calibration,
    from_mapping,
)
from genescribe.annotation.controls import CONTROLS, dense_orf_windows
from genescribe.annotation.model_folder import read_model_folder
from genescribe.annotation.predictions import PredictedGene, WindowPrediction
from genescribe.annotation.tiling import STEP, Window, batches, window_codes
from genescribe.errors import InputError
from genescribe.language.bases import Codes, N, reverse_complement
from genescribe.language.grammar import GrammarConfig
from genescribe.model.generation import generate
from genescribe.model.modeling import GeneScribeModel, read_model
from genescribe.model.writing import WindowGenes
from genescribe.progress import progress

Decode = Callable[[GeneScribeModel, Codes, list[int], GrammarConfig], list[WindowGenes]]
SHORTEST_PART = 40 * STEP
"""A window that holds too many genes is decoded in parts, down to this length."""


def choose_device(name: str) -> torch.device:
    """The device of a name; "auto" is CUDA or else Apple's mps where there is one, else the CPU.

    Raises:
        InputError: this machine has no such device.
    """
    available = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        name = next(device for device, is_there in available.items() if is_there)
    if not available.get(name, False):
        raise InputError(f"device {name} is not available here; use auto or cpu")
    return torch.device(name)


def load_model(folder: Path, device: torch.device) -> GeneScribeModel:
    """A model in evaluation mode and float32; a calibration beside it goes before the one that it carries.

    Raises:
        InputError: the folder holds no GeneScribe model.
    """
    read_model_folder(folder)
    try:
        model = read_model(folder)
    except (ValueError, OSError, RuntimeError, SafetensorError) as error:
        raise InputError(f"this model cannot be read: {str(error).splitlines()[0]}", folder) from error
    model.config.calibration = asdict(folder_calibration(folder))
    return on_device(model, device)


def model_calibration(model: GeneScribeModel) -> Calibration:
    """The calibration that a model carries, or `UNCALIBRATED`."""
    return from_mapping(model.config.calibration) if model.config.calibration else UNCALIBRATED


def on_device(model: GeneScribeModel, device: torch.device) -> GeneScribeModel:
    """The model on a device, in evaluation mode."""
    torch.nn.Module.to(model, device)
    return model.eval()


def control_decoder(model: GeneScribeModel, control: str, seed: int = 0) -> tuple[GeneScribeModel, Decode]:
    """The model and the way to decode of a control row of the benchmark.

    Args:
        model: the trained model; changed in place for no_cross_attention.
        control: one of `CONTROLS`.
        seed: of the random weights.
    """
    if control == "dense_orf":
        return model, dense_orf_windows
    if control == "random_weights":
        torch.manual_seed(seed)
        return on_device(GeneScribeModel(model.config, model.tokenizer), model.device), generate
    if control == "no_cross_attention":
        model.decoder.switch_off_cross_attention()
        return model, generate
    raise InputError(f"unknown control {control}; known are {', '.join(CONTROLS)}")


def predict(
    model: GeneScribeModel,
    sequences: Mapping[str, str],
    genetic_codes: Mapping[str, int],
    windows: Sequence[Window],
    batch: int,
    decode: Decode = generate,
) -> Iterator[WindowPrediction]:
    """Decode windows, in order. What is written does not depend on how windows fall into batches.

    Args:
        model: in evaluation mode; windows are no longer than its own.
        sequences: bases of each sequence.
        genetic_codes: NCBI translation table of each sequence.
        windows: from `tiling.tile`.
        batch: windows decoded side by side.
        decode: how; `generate`, or that of a control.
    """
    run = partial(decode_all, model, window_codes(sequences, windows), genetic_codes, decode=decode)
    bases = sum(window.length for window in windows)
    with progress("annotating", bases, "bases", interval=10.0) as bar:
        for part in batches(windows, batch):
            yield from run(part)
            bar.advance(sum(window.length for window in part))


def decode_all(
    model: GeneScribeModel,
    codes: Mapping[str, Codes],
    genetic_codes: Mapping[str, int],
    windows: Sequence[Window],
    decode: Decode = generate,
) -> list[WindowPrediction]:
    """Decode windows of one sequence as one batch, and those again in parts that hold too many genes."""
    seqid = windows[0].seqid
    grammar = GrammarConfig(genetic_code=genetic_codes[seqid], introns=model.config.introns)
    run = partial(decode_windows, model, codes[seqid], grammar=grammar, decode=decode)
    return [
        final
        for prediction in run(windows)
        for final in (halved(prediction, run) if prediction.truncated else (prediction,))
    ]


def decode_windows(
    model: GeneScribeModel, sequence: Codes, windows: Sequence[Window], grammar: GrammarConfig, decode: Decode
) -> list[WindowPrediction]:
    """Decode windows of one sequence as one batch, each on its strand."""
    padded = np.full((len(windows), model.config.window), N, dtype=np.uint8)
    for row, window in zip(padded, windows, strict=True):
        codes = window.codes(sequence)
        row[: window.length] = reverse_complement(codes) if window.reverse else codes
    decoded = decode(model, padded, [window.length for window in windows], grammar)
    return [
        WindowPrediction(
            window,
            tuple(
                PredictedGene(gene.reverse_complement(window.length) if window.reverse else gene, logprob)
                for gene, logprob in zip(genes.genes, genes.log_probabilities, strict=True)
            ),
            genes.truncated,
        )
        for window, genes in zip(windows, decoded, strict=True)
    ]


def halved(
    prediction: WindowPrediction, run: Callable[[Sequence[Window]], list[WindowPrediction]]
) -> Iterator[WindowPrediction]:
    """A window that hit the bound of genes, again in three halves that overlap by a half."""
    window = prediction.window
    half = -(-window.length // (2 * STEP)) * STEP
    if half < SHORTEST_PART:
        yield prediction
        return
    starts = sorted({0, half // 2 // STEP * STEP, window.length - half})
    for part in run([part_of(window, start, half) for start in starts]):
        yield from halved(part, run) if part.truncated else [part]


def part_of(window: Window, start: int, length: int) -> Window:
    """The window inside `window` that begins at its base `start`."""
    begin = window.start + start
    if window.circular:
        first, last = window.piece
        begin = first + (begin - first) % (last - first)
    return replace(window, start=begin, length=length)
