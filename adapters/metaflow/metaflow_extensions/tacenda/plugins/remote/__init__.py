"""What steps that run elsewhere need: tacenda itself and the stack in force, in Metaflow's code package."""
