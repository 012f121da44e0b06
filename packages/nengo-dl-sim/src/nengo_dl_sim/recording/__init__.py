"""What probes record."""
