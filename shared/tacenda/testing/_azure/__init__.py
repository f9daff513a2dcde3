"""The parts of `tacenda.testing.azure`: what is stored, who may do what, who logs in how, and HTTP around it."""
