"""Options of the commands that write genes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Gtf = Annotated[Path | None, typer.Option("--gtf", help="GTF to write.")]
Bed = Annotated[Path | None, typer.Option("--bed", help="BED12 to write, coloured by score.")]
Tsv = Annotated[Path | None, typer.Option("--tsv", help="Table of genes to write, parted by tabs.")]
Proteins = Annotated[Path | None, typer.Option("--proteins", help="FASTA of proteins to write.")]
Cds = Annotated[Path | None, typer.Option("--cds", help="FASTA of coding sequences to write.")]
Summary = Annotated[Path | None, typer.Option("--summary", help="JSON of counts and shares to write.")]
