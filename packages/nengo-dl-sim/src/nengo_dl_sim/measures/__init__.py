"""From what the user wants of outputs to what is computed."""
