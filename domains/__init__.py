"""Domain adapters: how raw data become vectors, and which symmetries are already known there."""
