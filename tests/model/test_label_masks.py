"""What an annotation cannot know is not taught: literal cases, and the model's losses."""

from __future__ import annotations

import math

import pytest
import torch
from genescribe.language import vocabulary as v
from genescribe.language.gene_model import KINDS
from genescribe.model.configuration import BOUNDARIES, GeneScribeConfig
from genescribe.model.label_masks import (
    absent_frame_class,
    absent_tokens,
    boundary_weights,
    cross_entropy,
    masked_targets,
    pointer_weights,
    start_pointers,
)
from genescribe.model.modeling import GeneScribeModel, Losses
from torch import Tensor
from torch.nn import functional

CODING, TRNA = v.KIND_TOKEN["protein_coding"], v.KIND_TOKEN["tRNA"]
ALL = torch.ones(1, len(KINDS), dtype=torch.bool)
WITHOUT_TRNA = torch.tensor([[kind != "tRNA" for kind in KINDS]])


def starts(*tokens: int) -> list[int]:
    """Where a sentence points at start codons."""
    return start_pointers(torch.tensor([[v.BOS, *tokens, v.EOS, v.PAD]]))[0].nonzero().flatten().tolist()


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        pytest.param([v.PLUS, CODING, v.LEFT, v.RIGHT, v.END], [3], id="plus: the first base"),
        pytest.param([v.MINUS, CODING, v.LEFT, v.RIGHT, v.END], [4], id="minus: the last base"),
        pytest.param([v.PLUS, CODING, v.LEFT, v.RIGHT, v.LEFT, v.RIGHT, v.END], [3], id="plus, two exons"),
        pytest.param([v.MINUS, CODING, v.LEFT, v.RIGHT, v.LEFT, v.RIGHT, v.END], [6], id="minus, two exons"),
        pytest.param([v.PLUS, CODING, v.OPEN[1], v.RIGHT, v.END], [], id="plus, start beyond the edge"),
        pytest.param([v.MINUS, CODING, v.OPEN[1], v.RIGHT, v.END], [4], id="minus, stop beyond the edge"),
        pytest.param([v.MINUS, CODING, v.LEFT, v.OPEN[0], v.END], [], id="minus, start beyond the edge"),
        pytest.param([v.PLUS, CODING, v.OPEN_INTRON[0], v.LEFT, v.RIGHT, v.END], [], id="acceptor"),
        pytest.param(
            [v.MINUS, CODING, v.LEFT, v.RIGHT, v.OPEN_INTRON[0], v.END], [], id="minus, acceptor at the edge"
        ),
        pytest.param([v.PLUS, TRNA, v.LEFT, v.RIGHT, v.END], [], id="tRNA has no start codon"),
        pytest.param([v.MINUS, TRNA, v.LEFT, v.RIGHT, v.END], [], id="nor on minus"),
        pytest.param(
            [v.MINUS, CODING, v.LEFT, v.RIGHT, v.END, v.PLUS, CODING, v.LEFT, v.RIGHT, v.END],
            [4, 8],
            id="several genes",
        ),
        pytest.param([], [], id="no gene"),
    ],
)
def test_start_pointers(sentence: list[int], expected: list[int]) -> None:
    assert starts(*sentence) == expected


def test_doubtful_starts_weigh_less_in_their_own_windows_alone() -> None:
    tokens = torch.tensor([[v.BOS, v.PLUS, CODING, v.LEFT, v.RIGHT, v.END, v.EOS]] * 2)
    weights = pointer_weights(tokens, torch.tensor([False, True]), 0.25)
    assert weights.tolist() == [[1] * 7, [1, 1, 1, 0.25, 1, 1, 1]]
    classes = boundary_weights(torch.tensor([False, True]), 0.25)[:, 0]
    assert classes[0].tolist() == [1] * 8
    lowered = [name for name, weight in zip(BOUNDARIES, classes[1].tolist(), strict=True) if weight == 0.25]
    assert lowered == ["start+", "start-"]


def test_tokens_of_kinds_that_the_annotation_lacks_leave_the_softmax() -> None:
    absent = absent_tokens(WITHOUT_TRNA)
    assert absent.nonzero().tolist() == [[0, 0, TRNA]]
    logits = torch.zeros(1, 1, v.SIZE)
    loss = cross_entropy(logits, torch.tensor([[CODING]]), absent)
    assert loss.item() == pytest.approx(math.log(v.SIZE - 1))
    assert cross_entropy(logits, torch.tensor([[CODING]]), None).item() == pytest.approx(math.log(v.SIZE))


def test_rna_class_leaves_the_softmax_at_intergenic_bases_where_rna_genes_are_not_annotated() -> None:
    frame_class = torch.tensor([[0, 1, 7, -1]])
    assert absent_frame_class(WITHOUT_TRNA, frame_class).nonzero().tolist() == [[0, 0, 7]]
    assert not absent_frame_class(ALL, frame_class).any()
    # A genome may have no tmRNA by nature.
    without_tmrna = torch.tensor([[kind != "tmRNA" for kind in KINDS]])
    assert not absent_frame_class(without_tmrna, frame_class).any()


def test_pointers_may_favour_masked_bases_but_not_padding() -> None:
    loss_mask = torch.tensor([[True, False, False, True, False, False]])
    target = torch.tensor([[0, 2]])
    free = masked_targets(loss_mask, torch.tensor([5]), target)
    assert free[0].nonzero().tolist() == [[0, 1], [0, 2], [0, 4], [1, 1], [1, 4]]


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_cross_entropy_without_absent_choices_is_torchs(smoothing: float) -> None:
    random = torch.Generator().manual_seed(3)
    logits, target = torch.randn(2, 5, 7, generator=random), torch.randint(0, 7, (2, 5), generator=random)
    expected = functional.cross_entropy(
        logits.transpose(1, 2), target, reduction="none", label_smoothing=smoothing
    )
    torch.testing.assert_close(cross_entropy(logits, target, None, smoothing), expected)
    # Choices that are absent might as well not be there.
    absent = torch.tensor([False] * 7 + [True])
    more = torch.cat((logits, torch.full((2, 5, 1), 9.0)), dim=-1).requires_grad_()
    loss = cross_entropy(more, target, absent, smoothing)
    torch.testing.assert_close(loss, expected)
    loss.sum().backward()
    assert more.grad is not None
    assert more.grad.isfinite().all() and not more.grad[..., 7].any()


WINDOW = 240
SENTENCE = [v.BOS, v.PLUS, CODING, v.LEFT, v.RIGHT, v.END, v.EOS]
POINTS = [-1, -1, -1, 120, 209, -1, -1]


@pytest.fixture(scope="module")
def model() -> GeneScribeModel:
    torch.manual_seed(7)
    return GeneScribeModel(
        GeneScribeConfig(
            window=WINDOW, width=32, heads=2, channels=16, encoder_layers=1, decoder_layers=1, patch_kernel=5
        )
    )


def loss(model: GeneScribeModel, name: str, **changes: object) -> tuple[Losses, Tensor]:
    """Losses of one window, and the gradient of one of them by the bias of the head it comes from."""
    batch: dict[str, object] = {
        "codes": torch.randint(0, 4, (1, WINDOW), generator=torch.Generator().manual_seed(1)).to(torch.uint8),
        "tokens": torch.tensor([SENTENCE]),
        "positions": torch.tensor([POINTS]),
        "frame_class": torch.zeros(1, WINDOW, dtype=torch.int8),
        "boundary": torch.zeros(1, WINDOW, dtype=torch.uint8),
        "loss_mask": torch.ones(1, WINDOW, dtype=torch.bool),
        "annotated_kinds": ALL,
        "doubtful_starts": torch.tensor([False]),
        **changes,
    }
    heads = {
        "token": model.token_head,
        "frame": model.dense_heads.frame,
        "boundary": model.dense_heads.boundary,
        "pointer": model.pointer_head.query,
    }
    model.zero_grad()
    losses: Losses = model(**batch)
    getattr(losses, name).backward()
    gradient = heads[name].bias.grad
    assert gradient is not None
    return losses, gradient


def test_model_does_not_learn_that_an_unannotated_kind_is_absent(model: GeneScribeModel) -> None:
    assert loss(model, "token")[1][TRNA] > 0  # pushed down where tRNA genes are annotated
    assert loss(model, "token", annotated_kinds=WITHOUT_TRNA)[1][TRNA] == 0
    assert loss(model, "frame")[1][7] > 0
    assert loss(model, "frame", annotated_kinds=WITHOUT_TRNA)[1][7] == 0


def test_pointer_loss_is_that_of_a_softmax_without_masked_bases(model: GeneScribeModel) -> None:
    mask = torch.ones(1, WINDOW, dtype=torch.bool)
    mask[:, 30:90] = False
    whole, without = (loss(model, "pointer", loss_mask=one)[0] for one in (torch.ones_like(mask), mask))
    dense_only, _ = loss(model, "pointer", loss_mask=mask, annotated_kinds=None)
    assert without.pointer < whole.pointer
    assert dense_only.pointer == whole.pointer


def test_losses_are_finite_where_nothing_is_known(model: GeneScribeModel) -> None:
    """A window without a gene and without a known base, beside one with a gene: a row that does not point."""
    empty = [v.BOS, v.EOS] + [v.PAD] * 5
    codes = torch.randint(0, 4, (2, WINDOW), generator=torch.Generator().manual_seed(1)).to(torch.uint8)
    losses: Losses = model(
        codes=codes,
        tokens=torch.tensor([SENTENCE, empty]),
        positions=torch.tensor([POINTS, [-1] * 7]),
        frame_class=torch.full((2, WINDOW), -1, dtype=torch.int8),
        boundary=torch.zeros(2, WINDOW, dtype=torch.uint8),
        loss_mask=torch.zeros(2, WINDOW, dtype=torch.bool),
        annotated_kinds=WITHOUT_TRNA.expand(2, -1),
        doubtful_starts=torch.tensor([False, True]),
    )
    assert losses.pointer == 0  # all other bases are masked
    assert losses.frame == losses.boundary == 0
    assert losses.token > 0 and losses.token.isfinite()
    model.zero_grad()
    (losses.token + losses.pointer + losses.frame + losses.boundary).backward()
    assert all(p.grad is None or bool(p.grad.isfinite().all()) for p in model.parameters())


def test_doubtful_start_is_not_taught(model: GeneScribeModel) -> None:
    sure, _ = loss(model, "pointer")
    doubtful = {"doubtful_starts": torch.tensor([True])}
    unsure, _ = loss(model, "pointer", **doubtful)
    other = torch.tensor([[-1, -1, -1, 99, 209, -1, -1]])
    assert (sure.pointers, unsure.pointers) == (2, 1)
    assert unsure.pointer < sure.pointer
    half, _ = loss(model, "pointer", **doubtful, doubtful_start_weight=0.5)
    torch.testing.assert_close(half.pointer, (sure.pointer + unsure.pointer) / 2)
    # Wherever the start is said to be, the boundary loss is the same, unless starts are to be trusted.
    moved = torch.zeros(1, WINDOW, dtype=torch.uint8)
    moved[0, 99] = 1
    first, gradient = loss(model, "boundary", **doubtful)
    second, _ = loss(model, "boundary", **doubtful, boundary=moved, positions=other)
    assert first.boundary == second.boundary
    assert gradient[0] == gradient[5] == 0 and (gradient[[1, 2, 3, 4, 6, 7]] != 0).all()
