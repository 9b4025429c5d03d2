"""Shortest ways over a network: numbers in, numbers out."""
