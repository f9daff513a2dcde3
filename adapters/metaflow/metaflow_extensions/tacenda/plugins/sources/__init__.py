"""What a source of `@secrets` is, what it holds, and the environment variables of that."""
