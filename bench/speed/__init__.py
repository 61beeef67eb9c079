"""The speed table: one file for each group of rows; ``python -m bench`` runs it."""
