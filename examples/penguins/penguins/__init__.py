"""Tell the species of a penguin from its measurements."""
