"""Parameters and checkpoints in files."""
