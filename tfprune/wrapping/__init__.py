"""Which layers a method prunes, and how they are wrapped."""
