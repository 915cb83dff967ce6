"""One step: forward, backward, augmentation, precision, out of memory."""
