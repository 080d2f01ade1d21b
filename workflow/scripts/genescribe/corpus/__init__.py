"""Corpus: splits, shards and the window reader."""
