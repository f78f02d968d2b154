"""NormViz: see what normalization does to a neural network."""
