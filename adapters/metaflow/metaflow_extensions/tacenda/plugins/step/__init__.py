"""What a step sees of its secrets: `current.secrets` and environment variables."""
