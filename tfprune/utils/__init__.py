"""What every module may use: checks, saving, names, quantities."""
