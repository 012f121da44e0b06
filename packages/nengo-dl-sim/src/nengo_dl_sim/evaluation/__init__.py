"""Measures of a network's outputs, minibatch by minibatch."""
