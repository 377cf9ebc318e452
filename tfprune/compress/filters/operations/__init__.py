"""One class for each kind of Keras operation: all that is known of it."""
