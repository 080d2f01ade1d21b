"""Genomes: fetch, verify and normalise FASTA and GFF3."""
