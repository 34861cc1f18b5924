"""Inverse design: a study's numbers set free, and gradients through the whole run to find better ones."""
