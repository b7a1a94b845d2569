"""Reading released checkpoints: a Hugging Face folder of `model_type` hgrn_bit.

`Checkpoint.open` takes a folder or a Hub id, checks everything that can be checked without reading
the weights, and then reads one tensor at a time.
"""

from tritstream.checkpoint.config import CheckpointConfig
from tritstream.checkpoint.layout import expected_tensors
from tritstream.checkpoint.reader import Checkpoint

__all__ = ["Checkpoint", "CheckpointConfig", "expected_tensors"]
