"""Reminding's pages, one module per story."""
