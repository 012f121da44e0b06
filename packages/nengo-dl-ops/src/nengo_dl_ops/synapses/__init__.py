"""Builders of synapses."""
