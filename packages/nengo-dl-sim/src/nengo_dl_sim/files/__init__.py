"""What a simulator writes to files, and reads back."""
