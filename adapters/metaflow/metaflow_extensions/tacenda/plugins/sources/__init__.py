"""What a source of `@secrets` is, and what it holds."""
