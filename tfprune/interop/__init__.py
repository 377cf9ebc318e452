"""Models and settings that come from elsewhere."""
