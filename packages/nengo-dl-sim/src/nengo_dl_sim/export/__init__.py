"""Parameters back into Nengo's objects."""
