"""The rows that every later room reads: columns, splits, and how far a long reading is."""
