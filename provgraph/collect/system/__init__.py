"""What a run took from the system and the machine around it, by the packages that own it."""
