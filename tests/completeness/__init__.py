"""What a change really changes, by doing it, beside what provgraph says that it affects."""
