"""The explorer in a browser without a GPU, beside pyvis and vis-network on the same graphs."""
