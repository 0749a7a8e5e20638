"""Reads a pickled tree of dicts and arrays; nothing in the file can run.

np.load(allow_pickle=True) calls whatever a file names. Here every name that a
pickle uses is looked up in a table of stand-ins, which only rebuild arrays
from bytes that are in the file. A name outside the table, an object array and
a size that the file does not hold are refused before an array is made.

Time and memory grow no faster than the file: only text is a key of a dict, as
the hash of a tuple that shares its parts takes years; there are no sets;
numbers have 64 bits at most; every array gets its content once.
"""

from collections.abc import Callable
import io
import pickle
import pickletools
from typing import Any, ClassVar

import numpy as np

# The released model's file has about 25 thousand; a bound on time and memory.
_MOST_INSTRUCTIONS = 1_000_000
_DEEPEST = 8
# All that Python writes in protocols 2 to 5 for arrays, mappings and scalars.
_INSTRUCTIONS = frozenset(
  (
    *("PROTO", "FRAME", "STOP", "MARK", "POP", "POP_MARK"),
    *("NONE", "NEWTRUE", "NEWFALSE", "BINFLOAT"),
    *("BININT", "BININT1", "BININT2", "LONG1", "LONG4"),
    *("BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"),
    *("BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8"),
    *("EMPTY_TUPLE", "TUPLE1", "TUPLE2", "TUPLE3", "TUPLE"),
    *("EMPTY_LIST", "APPEND", "APPENDS"),
    *("EMPTY_DICT", "SETITEM", "SETITEMS"),
    *("GLOBAL", "STACK_GLOBAL", "REDUCE", "BUILD"),
    *("BINGET", "LONG_BINGET", "BINPUT", "LONG_BINPUT", "MEMOIZE"),
  )
)
_MEMO_INSTRUCTIONS = ("BINPUT", "LONG_BINPUT")
_OBJECT = ("O", "O8")
_NUMBERS = (
  *("b1", "f2", "f4", "f8"),
  *(f"{kind}{size}" for kind in "iu" for size in (1, 2, 4, 8)),
)
_SCALARS = (bool, int, float, str, type(None))


def load_npy(content: bytes) -> object:
  """Returns the object that np.save pickled, as dicts, lists and arrays.

  Args:
    content: of a .npy file that holds one object, of pickle protocol 2 to 5.
      Arrays may be NumPy's or JAX's, mappings dict, OrderedDict or Haiku's
      FlatMapping.

  Returns:
    dicts with strings as keys, lists, tuples, scalars of Python, and numeric
    np.ndarray, which share the memory of what was read.

  Raises:
    ValueError: no such file, or it holds anything else; one line says what.
  """
  stream = io.BytesIO(content)
  shape, dtype = _read_header(stream)
  if dtype != np.dtype(object) or shape:
    raise ValueError(
      f"it holds an array of {dtype} and shape {shape}, no pickled object"
    )
  array = _load(stream, len(content))
  if not (isinstance(array, _Array) and array.is_object):
    raise ValueError("its pickle holds no array of one object")
  return _to_tree(array.value, _DEEPEST, {})


def load_pickle(content: bytes) -> object:
  """Returns the object of a pickle as dicts, lists and arrays.

  Args:
    content: of the file, of pickle protocol 2 to 5; otherwise as `load_npy`.

  Raises:
    ValueError: no such file, or it holds anything else; one line says what.
  """
  return _to_tree(_load(io.BytesIO(content), len(content)), _DEEPEST, {})


def _load(stream, size):
  """Returns what the pickle from here on makes of stand-ins."""
  begin = stream.tell()
  _check_instructions(stream)
  stream.seek(begin)
  # Whatever the content makes pickle raise means that it cannot be read: the
  # stand-ins are all that runs.
  try:
    return _Unpickler(stream, size).load()
  except _Refused:
    raise
  except Exception as error:
    raise _damaged(error) from error


class _Refused(ValueError):
  """What the file asks for is not allowed; the message says what."""


def _damaged(error):
  reason = " ".join(str(error).split())[:200] or type(error).__name__
  return ValueError(f"it is cut or damaged ({reason})")


def _read_header(stream):
  """Returns shape and dtype; NumPy's readers evaluate literals only."""
  readers: dict[tuple[int, int], Callable[[io.BytesIO], tuple]] = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
  }
  try:
    version = np.lib.format.read_magic(stream)
    if version not in readers:
      raise ValueError(f"format version {version}")
    shape, _, dtype = readers[version](stream)
  except Exception as error:  # also of the tokenizer
    reason = " ".join(str(error).split())[:200]
    raise ValueError(f"it is no .npy file ({reason})") from error
  return shape, dtype


def _check_instructions(stream):
  """Refuses what no writer of arrays uses, before anything of it is done.

  Python allocates what a pickle announces before it looks for it, and its sums
  and products of long integers take long.
  """
  try:
    for number, (instruction, argument, _) in enumerate(
      pickletools.genops(stream)
    ):
      if number == _MOST_INSTRUCTIONS:
        raise _Refused(
          f"its pickle has more than {_MOST_INSTRUCTIONS} instructions"
        )
      if instruction.name not in _INSTRUCTIONS:
        raise _Refused(
          f"its pickle has the instruction {instruction.name}, which no array"
          " needs"
        )
      if isinstance(argument, int) and not -(2**63) <= argument < 2**64:
        raise _Refused("its pickle has an integer of more than 64 bits")
      if instruction.name in _MEMO_INSTRUCTIONS and not (
        isinstance(argument, int) and 0 <= argument <= number
      ):
        raise _Refused(f"its pickle uses the memo place {argument}")
  except _Refused:
    raise
  except Exception as error:
    raise _damaged(error) from error


class _Unpickler(pickle._Unpickler):  # Python's own: C's has no `dispatch`
  """Knows the names of the table only, and puts only text into dicts as key."""

  stack: list
  pop_mark: Callable[[], list]
  dispatch: ClassVar[dict[int, Callable]] = dict(pickle._Unpickler.dispatch)

  def __init__(self, stream: io.BytesIO, size: int):
    super().__init__(stream)
    left = size

    def encode(text: str, encoding: str) -> bytes:
      """Protocol 2 writes bytes as text; all of them are in the file once."""
      nonlocal left
      left -= len(text)
      if encoding != "latin1" or left < 0:
        raise _Refused("its pickle encodes text that is no array")
      return text.encode("latin1")

    self._stand_ins = {**_STAND_INS, ("_codecs", "encode"): _StandIn(encode)}

  def find_class(self, module_name: str, global_name: str) -> Any:
    """Returns the stand-in of a name.

    Raises:
      ValueError: it has none.
    """
    stand_in = self._stand_ins.get((module_name, global_name))
    if stand_in is None:
      raise _Refused(
        f"it asks for {quoted(f'{module_name}.{global_name}')}, which is"
        " neither an array nor a mapping; such a file may run programs"
      )
    return stand_in

  def load_setitem(self):
    """Puts one item into a dict."""
    value, key = self.stack.pop(), self.stack.pop()
    self._put([key], [value])

  dispatch[pickle.SETITEM[0]] = load_setitem

  def load_setitems(self):
    """Puts many items into a dict."""
    items = self.pop_mark()
    self._put(items[::2], items[1::2])

  dispatch[pickle.SETITEMS[0]] = load_setitems

  def _put(self, keys, values):
    mapping = self.stack[-1]
    if type(mapping) is not dict:
      raise _Refused(f"it puts an item into a {_type_name(mapping)}")
    for key, value in zip(keys, values, strict=True):
      if type(key) is not str:
        raise _Refused(f"a key of a dict in it is a {_type_name(key)}")
      mapping[key] = value


class _StandIn:
  """A function that a pickle can call but neither change nor make."""

  __slots__ = ("_function",)

  def __init__(self, function: Callable):
    self._function = function

  def __call__(self, *args):
    return self._function(*args)

  def __setstate__(self, state):
    raise _Refused("its pickle changes a function")


class _DType:
  """numpy.dtype of a number, or of the one object."""

  __slots__ = ("code", "is_built", "order")

  def __init__(self, code, align=False, copy=True):
    del align, copy
    if code not in (*_NUMBERS, *_OBJECT):
      raise _Refused(
        f"it holds an array of dtype {quoted(code)}; only numbers are read"
      )
    self.code, self.order, self.is_built = code, "=", False

  def __setstate__(self, state):
    _, order, *structure = _state(state, 8)
    if order not in ("<", ">", "|", "=") or structure[:3] != [None] * 3:
      raise _Refused("it holds an array of a structured dtype")
    if self.is_built:
      raise _Refused("it builds a dtype twice")
    self.order, self.is_built = order, True

  @property
  def is_object(self) -> bool:
    return self.code in _OBJECT


def _state(state, length):
  """Returns the state of an object of NumPy; all its writers have `length`."""
  if type(state) is not tuple or len(state) != length:
    raise _Refused(f"it builds an object of no tuple of {length}")
  return state


class _Array:
  """numpy.ndarray while it is read.

  Attributes:
    value: an array, or the one object.
    is_object: which of the two.
    is_built: whether `value` is there.
  """

  __slots__ = ("is_built", "is_object", "value")

  def __init__(self):
    self.is_built, self.is_object, self.value = False, False, None

  def __setstate__(self, state):
    _, shape, dtype, is_fortran, data = _state(state, 5)
    self.fill(shape, dtype, "F" if is_fortran else "C", data)

  def fill(self, shape, dtype, order, data):
    """Takes the values; raises unless `data` holds just as many bytes."""
    if self.is_built:
      raise _Refused("it builds an array twice")
    self.is_built = True
    if not (
      isinstance(shape, tuple)
      and len(shape) <= _DEEPEST
      and all(type(size) is int and size >= 0 for size in shape)
    ):
      raise _Refused("it holds an array whose shape is none")
    if dtype.is_object:
      if shape or not isinstance(data, list) or len(data) != 1:
        raise _Refused("it holds an array of objects; only numbers are read")
      self.is_object, self.value = True, data[0]
      return
    kind = np.dtype(dtype.code).newbyteorder(dtype.order)
    if not isinstance(data, (bytes, bytearray)):
      raise _Refused(f"it holds an array without bytes, of {_type_name(data)}")
    needed = kind.itemsize if 0 not in shape else 0
    for size in shape:
      needed *= size
      if needed > len(data):
        break
    if needed != len(data):
      raise _Refused(
        f"it holds an array of shape {shape}, whose bytes are not the"
        f" {len(data)} that are there"
      )
    values = np.frombuffer(data, kind) if needed else np.zeros(0, kind)
    self.value = values.reshape(shape, order=order)


def _reconstruct(kind, shape, code):
  """numpy.core.multiarray._reconstruct: an array whose state follows."""
  del kind, shape, code
  return _Array()


def _from_buffer(data, dtype, shape, order):
  """numpy.core.numeric._frombuffer, of protocol 5."""
  array = _Array()
  array.fill(shape, dtype, order, data)
  return array


def _scalar(dtype, data):
  """numpy.core.multiarray.scalar."""
  return _from_buffer(data, dtype, (), "C")


def _jax_array(function, args, state, abstract_value):
  """jax._src.array._reconstruct_array: NumPy's form and what JAX adds."""
  del abstract_value
  if function is not _RECONSTRUCT:
    raise _Refused("it holds an array of JAX that is made of no NumPy array")
  array = function(*args)
  array.__setstate__(state)
  return array


def _no_bytes():
  """bytes() of protocol 2."""
  return b""


def _ordered_dict():
  """collections.OrderedDict; its items follow, so it takes no argument."""
  return {}


def _mapping(items):
  """Haiku's FlatMapping and frozendict, which wrap a dict."""
  if not isinstance(items, dict):
    raise _Refused("it holds a mapping of Haiku that is made of no dict")
  return items


_RECONSTRUCT = _StandIn(_reconstruct)
# Before and since NumPy 2, which renamed its core.
_NUMPY_CORES = ("numpy.core", "numpy._core")
_STAND_INS: dict[tuple[str, str], object] = {
  ("numpy", "ndarray"): object(),  # an argument; it cannot be called
  ("numpy", "dtype"): _StandIn(_DType),
  **{(f"{c}.multiarray", "_reconstruct"): _RECONSTRUCT for c in _NUMPY_CORES},
  **{(f"{c}.multiarray", "scalar"): _StandIn(_scalar) for c in _NUMPY_CORES},
  **{
    (f"{c}.numeric", "_frombuffer"): _StandIn(_from_buffer)
    for c in _NUMPY_CORES
  },
  ("__builtin__", "bytes"): _StandIn(_no_bytes),
  ("collections", "OrderedDict"): _StandIn(_ordered_dict),
  **{
    ("haiku._src.data_structures", name): _StandIn(_mapping)
    for name in ("FlatMapping", "FlatMap", "frozendict")
  },
  # JAX up to 0.3 pickles its arrays as NumPy's.
  ("jax._src.device_array", "reconstruct_device_array"): _StandIn(_jax_array),
  ("jax._src.array", "_reconstruct_array"): _StandIn(_jax_array),
}


def _to_tree(value, depth, done):
  """Returns `value` with arrays in the place of stand-ins.

  Args:
    value: what was unpickled.
    depth: of dicts and lists that are allowed below.
    done: results by id: what is shared is visited once.
  """
  if isinstance(value, _Array) and not value.is_object:
    return value.value
  if isinstance(value, _SCALARS):
    return value
  if not isinstance(value, (dict, list, tuple)):
    raise ValueError(f"it holds a value of type {_type_name(value)}")
  if depth == 0:
    raise ValueError(f"it holds dicts nested more than {_DEEPEST} deep")
  if id(value) not in done:
    done[id(value)] = (
      _dict_to_tree(value, depth, done)
      if isinstance(value, dict)
      else type(value)(_to_tree(item, depth - 1, done) for item in value)
    )
  return done[id(value)]


def _dict_to_tree(value, depth, done):
  return {key: _to_tree(item, depth - 1, done) for key, item in value.items()}


def quoted(value: object) -> str:
  """Returns a value of a file as one can print it; containers by their type.

  What is written of a text is short and holds no control characters. The text
  of a container that shares its parts may not fit into the memory.
  """
  if isinstance(value, str):
    return repr(value if len(value) <= 200 else f"{value[:200]}...")
  if isinstance(value, (bool, int, float, type(None))):
    return repr(value)
  return f"a {_type_name(value)}"


def _type_name(value):
  return type(value).__name__.strip("_")
