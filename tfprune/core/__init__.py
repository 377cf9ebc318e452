"""What pruning is made of: arrays in, arrays out, no hidden state."""
