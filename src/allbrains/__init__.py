"""allbrains: OpenNeuro's structural MRI as a dataset that a neural network can train on."""

__version__ = "0.1.0"
