"""The annotation language: vocabulary, codec and grammar. Knows no torch."""
