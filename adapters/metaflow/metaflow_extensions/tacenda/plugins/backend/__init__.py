"""Which stack serves a plain name: tacenda's, or the backend that Metaflow's variables choose."""
