"""The values of nodes without input, and of those that the user gives."""
