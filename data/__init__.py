"""Where examples come from: sources of images, splits, mixtures, and the batches that training reads."""
