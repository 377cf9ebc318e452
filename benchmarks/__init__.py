"""What pruning costs and gains, measured beside what else there is."""
