"""Commands of the report phase."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def report(
    config: Annotated[Path, typer.Option(help="JSON that lists what to show; the workflow writes it.")],
    out: Annotated[Path, typer.Option(help="The page to write.")],
) -> None:
    """Write the report: one HTML page with scores, a genome view, differences, training curves and run times.

    The page holds everything that it shows, needs no network and opens in any browser. Paths in the JSON are
    relative to the working directory.

    Example: genescribe report --config results/report/demo.json --out results/report/demo.html
    """
    from genescribe.files import atomic_path
    from genescribe.report.config import load_config
    from genescribe.report.page import build_page

    page = build_page(load_config(config))
    with atomic_path(out) as temporary:
        temporary.write_text(page, encoding="utf-8", newline="\n")
