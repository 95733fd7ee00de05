"""Recipes: how the published files of a calibration set become its tables, one file a set."""
