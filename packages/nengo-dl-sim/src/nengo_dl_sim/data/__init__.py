"""From what the user gives for nodes and probes to minibatches."""
