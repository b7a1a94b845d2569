"""The executions of a model behind one interface, and `load`, which picks one by name."""

from tritstream.engines.base import Engine, EngineInfo
from tritstream.engines.registry import ENGINES, default_engine, engine_for, load_engine

__all__ = ["ENGINES", "Engine", "EngineInfo", "default_engine", "engine_for", "load_engine"]
