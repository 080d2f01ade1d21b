"""Annotation: sliding windows, decoding, stitching and writing genes."""
