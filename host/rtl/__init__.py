"""RTL of Allo's kernels without vendor tools: see README.md in this folder."""
