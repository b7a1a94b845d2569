"""AXI responses in the control register: what an engine may say of its memory accesses.

The project's own AXI masters set these bits beside done. Masters made by Vitis HLS leave them zero:
they do not look at responses.
"""

READ_ERROR, WRITE_ERROR, DECODE_ERROR = 1 << 16, 1 << 17, 1 << 18


def response_error(control: int) -> str:
    """What the control register says of failed accesses, in words; empty if nothing."""
    kinds = ((READ_ERROR, "a read"), (WRITE_ERROR, "a write"))
    met = " and ".join(name for bit, name in kinds if control & bit)
    if not met:
        return ""
    code = "DECERR, there is no memory at that address" if control & DECODE_ERROR else "SLVERR"
    return f"{met} was answered with {code}; CTRL={control:#x}"
