"""The values of a column, hashed as they come, batch by batch."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from provgraph.model.digests import hasher, identity

if TYPE_CHECKING:
    import pyarrow as pa


class Unsure(ValueError):
    """Something of which it isn't known what a reader sees."""


class Stream:
    """The values of an array that comes in pieces; where one ends and the next begins is nothing.

    Hashed apart from each other: which rows are null, how long each value is, and the values.
    """

    def __init__(self) -> None:
        self.rows = 0
        self._nulls = hasher()
        self._lengths = hasher()
        self._values = hasher()
        self._below: list[Stream] = []
        self._dictionary = ""
        self._taken = 0

    @property
    def size(self) -> int:
        """How many bytes of values it has taken."""
        return self._taken + sum(stream.size for stream in self._below)

    def told(self) -> Iterator[str]:
        """Give what the pieces came to."""
        yield str(self.rows)
        for one in (self._nulls, self._lengths, self._values):
            yield one.hexdigest()
        for stream in self._below:
            yield from stream.told()

    def take(self, array: pa.Array) -> None:
        """Take the next piece. Raises Unsure where its type isn't known."""
        import pyarrow as pa
        import pyarrow.compute as pc

        if array.null_count and not pa.types.is_null(array.type):
            where = pc.add(pc.indices_nonzero(array.is_null()), pa.scalar(self.rows, pa.uint64()))
            self._nulls.update(_raw(where))
            self._take_values(array.drop_null())
        else:
            self._take_values(array)
        self.rows += len(array)

    def _take_values(self, array: pa.Array) -> None:
        import pyarrow as pa

        kind, types = array.type, pa.types
        if isinstance(kind, pa.BaseExtensionType):
            self._take_below([array.storage])
        elif types.is_dictionary(kind):
            self._take_dictionary(array)
        elif types.is_struct(kind):
            self._take_below(array.flatten())
        elif types.is_list(kind) or types.is_large_list(kind):
            self._lengths.update(_raw(array.value_lengths().cast(pa.int64())))
            self._take_below([array.flatten()])
        elif types.is_fixed_size_list(kind):
            self._take_below([array.flatten()])
        elif types.is_string(kind) or types.is_binary(kind):
            self._take_texts(array.cast(pa.large_binary()))
        elif types.is_large_string(kind) or types.is_large_binary(kind):
            self._take_texts(array)
        elif types.is_boolean(kind):
            self._take(_raw(array.cast(pa.uint8())))
        elif types.is_primitive(kind) or types.is_decimal(kind) or types.is_fixed_size_binary(kind):
            self._take(_raw(array))
        elif not types.is_null(kind):
            raise Unsure(f"values of type {kind}")

    def _take(self, values: memoryview | bytes) -> None:
        self._values.update(values)
        self._taken += len(values)

    def _take_below(self, arrays: Sequence[pa.Array]) -> None:
        if not self._below:
            self._below = [Stream() for _ in arrays]
        for stream, array in zip(self._below, arrays, strict=True):
            stream.take(array)

    def _take_texts(self, array: pa.Array) -> None:
        """Take texts by their lengths and their bytes, which lie one behind the other."""
        import pyarrow as pa
        import pyarrow.compute as pc

        if not len(array):
            return
        self._lengths.update(_raw(pc.binary_length(array).cast(pa.int64())))
        _, offsets, data = array.buffers()
        first, last = (
            struct.unpack_from("=q", offsets, at * 8)[0]
            for at in (array.offset, array.offset + len(array))
        )
        if data is not None:
            self._take(memoryview(data)[first:last])

    def _take_dictionary(self, array: pa.Array) -> None:
        """Take categories, in their order, and which each row has."""
        inner = Stream()
        inner.take(array.dictionary)
        dictionary = named("dictionary", *inner.told())
        if dictionary != self._dictionary:
            self._dictionary = dictionary
            self._lengths.update(f"{self.rows} {dictionary}\n".encode())
        self._take(_raw(array.indices))


def _raw(array: pa.Array) -> memoryview | bytes:
    """Give the bytes of the values of an array without nulls, of a type of fixed width."""
    if not len(array):
        return b""
    width = array.type.bit_width // 8
    buffer = array.buffers()[1]
    return memoryview(buffer)[array.offset * width : (array.offset + len(array)) * width]


def named(tag: str, *told: str) -> str:
    """Give the digest of something of a table."""
    return "b3:" + identity(f"table-{tag}", *told, size=32)
