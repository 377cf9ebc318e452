"""The benchmarks; `benchmarks/catalog.py` has their flags."""
