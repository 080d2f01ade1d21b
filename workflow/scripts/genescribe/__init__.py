"""GeneScribe: gene prediction by an encoder that reads DNA and a decoder that writes the annotation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from genescribe.annotation.api import AnnotatedGene, annotate_sequence, load_model, read_fasta

__all__ = ["AnnotatedGene", "annotate_sequence", "load_model", "read_fasta"]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """The Python API, imported when it is first asked for: `import genescribe` alone needs no torch."""
    if name in __all__:
        from importlib import import_module

        return getattr(import_module("genescribe.annotation.api"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
