"""Running zeros: sparse layers where they are measured faster."""
