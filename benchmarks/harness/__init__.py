"""How things are measured and written down, whatever they are."""
