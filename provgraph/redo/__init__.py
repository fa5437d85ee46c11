"""Do recorded runs again: the recipe of each, what it takes, and the plan carried out."""
