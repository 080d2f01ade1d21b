"""Report: one HTML page that a person can judge an annotation by."""
