"""Package data: Jupyter notebooks; registered with pynq as `pynq.notebooks`."""
