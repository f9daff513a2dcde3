"""The parts of the GitHub double; see `tacenda.testing.github`."""
