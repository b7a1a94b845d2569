"""From generated kernels to a bitstream with AMD's tools, and what their reports say."""
