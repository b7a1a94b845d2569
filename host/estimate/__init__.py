"""What a model would cost on a board, before anything is built. Every figure here is derived."""
