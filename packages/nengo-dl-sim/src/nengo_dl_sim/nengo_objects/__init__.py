"""Parameters back into the objects of Nengo."""
