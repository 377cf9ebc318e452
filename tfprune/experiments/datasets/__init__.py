"""Data sets, each verified wherever it came from."""
