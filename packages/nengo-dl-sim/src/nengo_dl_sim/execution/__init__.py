"""How a program is compiled and run."""
