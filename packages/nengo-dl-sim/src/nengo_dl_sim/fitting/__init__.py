"""Training, evaluation and prediction as Keras arranges them."""
