"""Settings of a network, and what follows from them."""
