"""What a simulator is made of, and how it is made from a network."""
