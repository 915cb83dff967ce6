"""params.yaml as types, one file a subject; knows nothing above it."""
