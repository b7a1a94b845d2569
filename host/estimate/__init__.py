"""What a model would cost on a board, before anything is built. Every figure here is derived.

Nothing is imported here: `tritstream.kernels.work` needs `cycles`, and `resources` needs that.
"""
