"""Which stage: its settings, its stacks, its resources, and the clients that reach them."""
