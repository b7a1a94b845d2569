"""RTL against the specification: kernels and the whole engine, with cycles, resources, pictures."""
