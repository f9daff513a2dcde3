"""Metaflow's part of `tacenda check --flow`."""
