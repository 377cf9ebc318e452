"""What is measured: layers, shapes of layers, whole models."""
