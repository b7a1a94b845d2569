"""Package data: Jupyter notebooks."""
