"""Control rows of the benchmark: what is left when a part of the model is taken away."""

from __future__ import annotations

import numpy as np
import torch

from genescribe.annotation import orf_rule
from genescribe.language.bases import Codes
from genescribe.language.genetic_code import genetic_code
from genescribe.language.grammar import GrammarConfig
from genescribe.model.modeling import GeneScribeModel
from genescribe.model.writing import WindowGenes

CONTROLS = ("random_weights", "no_cross_attention", "dense_orf")


@torch.inference_mode()
def dense_orf_windows(
    model: GeneScribeModel, codes: Codes, valid: list[int], grammar: GrammarConfig
) -> list[WindowGenes]:
    """Genes of windows by the dense heads and an ORF rule alone, without the decoder. Arguments as
    `generate`."""
    encoded = model.encode(torch.from_numpy(codes).to(model.device), torch.tensor(valid, device=model.device))
    frames = encoded.frame.float().log_softmax(dim=-1).cpu().numpy()
    code = genetic_code(grammar.genetic_code)
    found = [
        orf_rule.predict(row[:count], frame[:count], code)
        for frame, row, count in zip(frames, codes, valid, strict=True)
    ]
    # Stitching wants log probabilities: of odds o, log(o / (1 + o)).
    return [
        WindowGenes(
            [one.model for one in genes], [-float(np.logaddexp(0.0, -one.score)) for one in genes], False
        )
        for genes in found
    ]
