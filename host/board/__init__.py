"""Running on a PYNQ board: driver, contiguous memory, runtime, overlays, and jobs sent over ssh.

Nothing here imports pynq before a board, real or simulated, is used.
"""
