"""GeneScribe: gene prediction by an encoder that reads DNA and a decoder that writes the annotation."""

__version__ = "0.1.0"
