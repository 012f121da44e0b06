"""Builders of Nengo's basic operators."""
