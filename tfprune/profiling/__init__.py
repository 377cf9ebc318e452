"""How long layers take on this machine, measured and projected."""
