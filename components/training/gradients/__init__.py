"""Per-task gradients and their inner products, exact or cheap."""
