"""Options of all commands that decode."""

from __future__ import annotations

from typing import Annotated

import typer

Batch = Annotated[int, typer.Option(min=1, help="Windows decoded side by side.")]
Beam = Annotated[
    int, typer.Option(min=1, help="Sentences followed side by side in a window; 1 is greedy and fastest.")
]
