"""Commands of the corpus phase."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def split(
    genome: Annotated[Path, typer.Option(help="Folder made by `genescribe normalize`.")],
    declaration: Annotated[str, typer.Option("--split", help="Such as train=chr1,chr2:1-500000;test=chr3.")],
    out: Annotated[Path, typer.Option(help="Folder for train.bed, val.bed and test.bed.")],
) -> None:
    """Write which regions of a genome train, tune and test.

    Regions are sequence ids, id:first-last (1-based, inclusive) or the word whole. A split that is not
    declared gets an empty file.

    Example: genescribe split --genome results/genomes/yeast --split "train=chrI;test=chrII:1-400000" --out
        regions
    """
    from genescribe.corpus.splits import parse_split, write_splits
    from genescribe.genomes.load import load_genome

    sequences = load_genome(genome).sequences
    write_splits(parse_split(declaration, {seqid: len(s) for seqid, s in sequences.items()}), out)


def shards(
    spec: Annotated[Path, typer.Argument(help="JSON: the genomes, their regions and the grammar.")],
    out: Annotated[Path, typer.Option(help="Folder for manifest.json and the shards.")],
) -> None:
    """Write a training corpus: shards of sequence with gene tables, and a manifest.

    The specification is {"genomes": [{"name": ..., "folder": ..., "regions": BED or null, "domain":
    "prokaryote" or "eukaryote", "doubtful_starts": false}], "grammar": {...}}; regions, doubtful_starts and
    grammar may be left out.

    Example: genescribe shards corpus.json --out results/corpus/demo/train
    """
    from genescribe.corpus.shards import read_spec, write_corpus

    manifest = write_corpus(read_spec(spec), out)
    for genome in manifest["genomes"]:
        genes, masked = sum(genome["genes"].values()), sum(genome["masked"].values())
        typer.echo(f"{genome['name']}: {genome['bases']} bases, {genes} genes, {masked} masked")


def bpe(
    sources: Annotated[
        list[Path], typer.Argument(help="Corpora, normalised genomes or FASTA files to learn from.")
    ],
    out: Annotated[Path, typer.Option(help="tokenizer.json to write.")],
    vocabulary: Annotated[
        int, typer.Option(min=10, help="Tokens, the five special ones and A, C, G, T included.")
    ] = 4096,
    max_bases: Annotated[
        int, typer.Option(min=1, help="Most bases to read, in parts spread evenly over all.")
    ] = 20_000_000,
) -> None:
    """Train a BPE tokenizer for `encoder: dnabert2`, in the form of DNABERT-2's.

    Special tokens have the ids of the public tokenizer: [UNK] 0, [CLS] 1, [SEP] 2, [PAD] 3, [MASK] 4. The
    same input gives the same file.

    Example: genescribe bpe results/corpus/demo/train --out tokenizer.json
    """
    from genescribe.corpus.bpe import read_codes, train_bpe
    from genescribe.files import check_outputs

    check_outputs([out], sources)
    tokenizer = train_bpe(
        (codes for source in sources for codes in read_codes(source)), vocabulary, max_bases
    )
    tokenizer.write(out)
    typer.echo(f"{len(tokenizer)} tokens")
