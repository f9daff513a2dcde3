"""The parts of the Secret Manager double; see `tacenda.testing.gcp`."""
