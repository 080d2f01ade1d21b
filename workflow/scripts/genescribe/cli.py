"""The command line: `genescribe COMMAND`, or `python -m genescribe COMMAND` inside rules."""

from __future__ import annotations

import errno
import logging
import os
import sys
from collections.abc import Callable

import typer

from genescribe import __version__
from genescribe.annotation import commands as annotation
from genescribe.benchmark import commands as benchmark
from genescribe.corpus import commands as corpus
from genescribe.errors import InputError
from genescribe.genomes import commands as genomes
from genescribe.report import commands as report
from genescribe.training import commands as training

app = typer.Typer(
    name="genescribe",
    help="Gene prediction by an encoder that reads DNA and a decoder that writes the annotation.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)
COMMANDS: tuple[Callable[..., None], ...] = (
    annotation.annotate,
    benchmark.score,
    genomes.convert,
    genomes.fetch,
    genomes.normalize,
)
STEPS: tuple[Callable[..., None], ...] = (
    genomes.survey,
    corpus.split,
    corpus.shards,
    corpus.bpe,
    training.bundle,
    annotation.predict,
    annotation.stitch,
    benchmark.calibrate,
    benchmark.augustus,
    benchmark.prodigal,
    benchmark.gffcompare,
    benchmark.scoretable,
    report.report,
)
for command in COMMANDS:
    app.command()(command)
for step in STEPS:
    app.command(rich_help_panel="Steps of the workflow")(step)


@app.command(
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []},
    add_help_option=False,
)
def train(context: typer.Context) -> None:
    """Train a model on shards, from nothing or from another model; `genescribe train --help` tells more."""
    from genescribe.training.__main__ import main as train_main

    raise typer.Exit(train_main(context.args))


@app.command()
def version() -> None:
    """Print the version."""
    sys.stdout.write(f"genescribe {__version__}\n")


# What the machine refuses, and the user can mend; any other error of the system is a defect of ours.
REFUSALS = {
    errno.EACCES: "check its permissions, or write elsewhere",
    errno.EPERM: "check its permissions, or write elsewhere",
    errno.EROFS: "write elsewhere",
    errno.ENOTDIR: "a file is where a folder should be; check the path",
    errno.EEXIST: "a file is where a folder should be; check the path",
    errno.ENOSPC: "make room, or write elsewhere",
    errno.EDQUOT: "make room, or write elsewhere",
}


def main() -> None:
    """Run the command line. Bad input is one line on standard error and exit code 2."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    try:
        app()
    except InputError as error:
        sys.stderr.write(f"genescribe: {error}\n")
        sys.exit(2)
    except OSError as error:
        if error.errno not in REFUSALS:
            raise
        what = f"{os.strerror(error.errno)}; {REFUSALS[error.errno]}"
        sys.stderr.write(f"genescribe: {InputError(what, error.filename)}\n")
        sys.exit(2)
