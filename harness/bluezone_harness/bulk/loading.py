"""Reads octets of a buffer by their addresses, several at once, whether they are aligned or not.

Addresses need no counting of references, which costs more than what is read. Whoever calls a loop hands its arrays
over, and so keeps them alive as long as it runs. What is read at once is up to ``SPARE`` octets, all in the array.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from .compiling import inlined

LONGEST_KEY = 64
"""Octets of the longest packet that is known again; what is compared is always so much, under a mask."""
SPARE = LONGEST_KEY
WORDS = LONGEST_KEY // 8

_Part = Any
"""Of what a compiler is made; neither numba nor llvmlite tells types of it."""
_LITTLE_HOST = sys.byteorder == "little"
_VECTOR = ir.VectorType(ir.IntType(64), WORDS)
_HALVES = ir.VectorType(ir.IntType(32), 2 * WORDS)
# digits of pi: any would do
_ODD_HALVES = (
    0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344, 0xA4093822, 0x299F31D0, 0x082EFA98, 0xEC4E6C89,
    0x452821E6, 0x38D01377, 0xBE5466CF, 0x34E90C6C, 0xC0AC29B7, 0xC97C50DD, 0x3F84D5B5, 0xB5470917,
)  # fmt: skip


def _lowered(function: Callable[..., _Part]) -> _Part:
    """Return what the compiler knows as a function, of one that says how it is written."""
    return intrinsic(function)


@_lowered
def address_of(_context: _Part, array: _Part) -> _Part:
    """Return where the items of an array stand; whoever called keeps it alive."""

    def generate(context: _Part, builder: _Part, signature: _Part, arguments: _Part) -> _Part:
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        return builder.ptrtoint(data, ir.IntType(64))

    return types.int64(array), generate


def _loader(bits: int, swapped: bool) -> _Part:
    integer = ir.IntType(bits)

    def load(_context: _Part, address: _Part) -> _Part:
        def generate(context: _Part, builder: _Part, signature: _Part, arguments: _Part) -> _Part:
            value = builder.load(builder.inttoptr(arguments[0], integer.as_pointer()), align=1)
            if swapped:
                value = builder.bswap(value)
            return builder.zext(value, ir.IntType(64)) if bits < 64 else value

        return types.int64(types.int64), generate

    return _lowered(load)


octet = _loader(8, swapped=False)
two_little = _loader(16, not _LITTLE_HOST)
four_little = _loader(32, not _LITTLE_HOST)
four_big = _loader(32, _LITTLE_HOST)
eight_big = _loader(64, _LITTLE_HOST)
four_native = _loader(32, swapped=False)
eight_native = _loader(64, swapped=False)


def _masked(builder: _Part, address: _Part, mask: _Part) -> _Part:
    """Return the octets of a packet under a mask."""
    octets = builder.load(builder.inttoptr(address, _VECTOR.as_pointer()), align=1)
    return builder.and_(octets, builder.load(builder.inttoptr(mask, _VECTOR.as_pointer()), align=8))


def _sum(builder: _Part, vector: _Part) -> _Part:
    """Return the sum of the words of a vector."""
    name = f"llvm.vector.reduce.add.v{WORDS}i64"
    function = builder.module.globals.get(name)
    if function is None:
        function = ir.Function(builder.module, ir.FunctionType(ir.IntType(64), [_VECTOR]), name)
    return builder.call(function, [vector])


@_lowered
def hash_of(_context: _Part, address: _Part, mask: _Part) -> _Part:
    """Return a hash of octets under a mask: sums of products of sums (NH, of UMAC: RFC 4418, section 5.2)."""

    def generate(context: _Part, builder: _Part, signature: _Part, arguments: _Part) -> _Part:
        octets = _masked(builder, *arguments)
        odd = ir.Constant(_HALVES, [ir.Constant(ir.IntType(32), each) for each in _ODD_HALVES])
        sums = builder.bitcast(builder.add(builder.bitcast(octets, _HALVES), odd), _VECTOR)
        low = ir.Constant(_VECTOR, [ir.Constant(ir.IntType(64), 0xFFFFFFFF)] * WORDS)
        shift = ir.Constant(_VECTOR, [ir.Constant(ir.IntType(64), 32)] * WORDS)
        return _sum(builder, builder.mul(builder.and_(sums, low), builder.lshr(sums, shift)))

    return types.uint64(types.int64, types.int64), generate


@_lowered
def differs(_context: _Part, address: _Part, mask: _Part, kept: _Part) -> _Part:
    """Return 0 if octets under a mask are those that were kept."""

    def generate(context: _Part, builder: _Part, signature: _Part, arguments: _Part) -> _Part:
        before = builder.load(builder.inttoptr(arguments[2], _VECTOR.as_pointer()), align=8)
        unequal = builder.icmp_unsigned("!=", _masked(builder, *arguments[:2]), before)
        return builder.zext(builder.bitcast(unequal, ir.IntType(WORDS)), ir.IntType(64))

    return types.uint64(types.int64, types.int64, types.int64), generate


@_lowered
def keep(_context: _Part, address: _Part, mask: _Part, kept: _Part) -> _Part:
    """Keep octets under a mask."""

    def generate(context: _Part, builder: _Part, signature: _Part, arguments: _Part) -> _Part:
        room = builder.inttoptr(arguments[2], _VECTOR.as_pointer())
        builder.store(_masked(builder, *arguments[:2]), room, align=8)
        return context.get_dummy_value()

    return types.void(types.int64, types.int64, types.int64), generate


@inlined
def number(at: int, big: bool) -> int:
    """Return an integer of 4 octets."""
    return int(four_big(at) if big else four_little(at))
