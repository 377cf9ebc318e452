"""What the scripts call: models, data sets, solvers, training."""
