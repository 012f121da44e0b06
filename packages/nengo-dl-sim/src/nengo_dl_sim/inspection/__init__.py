"""What a user sees of a simulation: ``sim.data`` and ``sim.signals``."""
