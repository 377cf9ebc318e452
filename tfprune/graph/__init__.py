"""The graph of a Keras model: its layers, calls and costs."""
