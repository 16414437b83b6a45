"""What the notebooks train, and on what: `data`, a fully connected `mlp`, a `convnet`."""
