"""What changed between two states of a project, and the viewpoints that see each of them."""
