"""Text to token ids and back, also piece by piece while a model is writing."""

from tritstream.text.chat import ChatTemplate
from tritstream.text.stream import TextStream
from tritstream.text.tokenizer import Tokenizer

__all__ = ["ChatTemplate", "TextStream", "Tokenizer"]
