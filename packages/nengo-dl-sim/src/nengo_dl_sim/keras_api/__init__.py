"""Training and evaluation as Keras arranges them."""
