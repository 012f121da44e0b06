"""Gradient descent, and the gradients themselves."""
