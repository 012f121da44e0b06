"""One step of a model: what it computes, and where its state is."""
