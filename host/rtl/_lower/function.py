"""Lower: runs a function symbolically and leaves dataflow graphs under structured control.

One walk does what compilers usually do in many passes, because running code with graph nodes for
values inlines calls, unrolls loops, turns scalar variables and partitioned arrays into edges, turns
branches into multiplexers, and folds constants by itself. What it cannot run that way ends the
present block: a loop that stays a loop, or a branch around one.
"""

from __future__ import annotations

from collections.abc import Mapping

from tritstream.rtl._ir.operations import ReadVariable
from tritstream.rtl._ir.program import Design, Port
from tritstream.rtl._ir.storage import Channel, Master, Memory, integer_variable
from tritstream.rtl._lower import access, arithmetic, control
from tritstream.rtl._lower.layout import extents
from tritstream.rtl._lower.state import Array, Binding, Handler, Lowering, Scalar
from tritstream.rtl._lower.units import accessed, count_call_sites
from tritstream.rtl._mlir import Function, IntType, MemRefType, Module, StreamType, Value
from tritstream.rtl._unsupported import UnsupportedError
from tritstream.rtl.targets import VENDOR, Target

HANDLERS: Mapping[str, Handler] = {
    **arithmetic.HANDLERS,
    **access.HANDLERS,
    **control.HANDLERS,
}
"""What every operation of MLIR becomes. One that is not here is not supported."""


def lower(
    module: Module, function: Function, masters: bool = False, target: Target = VENDOR
) -> Design:
    """The design of one function that is not a dataflow region.

    Arguments become ports: integers and one-element arrays registers, streams channels, and arrays
    memories with one-cycle ports, or masters of a bus where ``masters`` is set and the array is not
    partitioned. Raises UnsupportedError for what is not supported.
    """
    if function.results:
        raise UnsupportedError(f"{function.where} returns a value: a top writes to arguments")
    lowering = Lowering(module, function.name, HANDLERS, target, masters)
    written, read = accessed(module, function)
    for position, argument in enumerate(function.arguments):
        name = lowering.names.unique(argument.name or f"arg{position}")
        made = _argument(lowering, function, argument, name, argument in written, argument in read)
        lowering.frame[argument] = made
        lowering.design.ports.append(_port(made))
    if target.shared_functions:
        count_call_sites(lowering, function)
    lowering.run(function.body)
    lowering.end_block()
    lowering.design.items = lowering.sequence
    return lowering.design


def _port(binding: Binding) -> Port:
    if isinstance(binding, Scalar):
        assert isinstance(binding.node, ReadVariable)
        return binding.node.variable
    if isinstance(binding, Channel):
        return binding
    port = binding.variables[0] if binding.variables else binding.memory or binding.master
    assert port is not None
    return port


def _argument(
    lowering: Lowering, function: Function, argument: Value, name: str, written: bool, read: bool
) -> Binding:
    """What an argument is bound to; the design gets the port."""
    design, t = lowering.design, argument.type
    if isinstance(t, IntType):
        variable = integer_variable(name, t.width)
        design.inputs.append(variable)
        lowering.invariants.add(variable)
        return Scalar(lowering.graph.variable(variable), lowering.block)
    if isinstance(t, StreamType):
        if written and read:
            raise UnsupportedError(f"stream {name} is both read and written by {function.where}")
        channel = Channel(name, t.width)
        (design.channels_out if written else design.channels_in).append(channel)
        return channel
    if t.size == 1:
        return _register(lowering, function, name, t, written, read)
    if lowering.masters and t.layout is None:
        sides = Channel(f"{name}_r", t.width), Channel(f"{name}_w", t.width)
        master = Master(name, t.width, t.size, *sides, read, written)
        design.masters.append(master)
        return Array(name, t, master=master)
    memory = Memory(name, t.width, *extents(t), port=True)
    design.memories.append(memory)
    return Array(name, t, memory=memory)


def _register(
    lowering: Lowering, function: Function, name: str, t: MemRefType, written: bool, read: bool
) -> Array:
    variable = integer_variable(name, t.width)
    if written:
        if read:
            raise UnsupportedError(
                f"argument {name} of {function.where} is read and written: a register "
                f"argument is one or the other"
            )
        lowering.design.outputs.append(variable)
    else:
        lowering.design.inputs.append(variable)
        lowering.invariants.add(variable)
    return Array(name, t, variables=[variable])
