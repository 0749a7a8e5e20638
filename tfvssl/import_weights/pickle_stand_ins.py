"""What stands in a pickle's reader for the classes and functions of arrays.

They rebuild arrays and mappings from bytes that are in the file, and nothing
else; see restricted_pickle.
"""

from collections.abc import Callable

import numpy as np

DEEPEST = 8  # dimensions of an array, and dicts in dicts
_OBJECT = ("O", "O8")
_NUMBERS = (
  *("b1", "f2", "f4", "f8"),
  *(f"{kind}{size}" for kind in "iu" for size in (1, 2, 4, 8)),
)


class StandIn:
  """A function that a pickle can call but neither change nor make."""

  __slots__ = ("_function",)

  def __init__(self, function: Callable):
    self._function = function

  def __call__(self, *args):
    return self._function(*args)

  def __setstate__(self, state):
    raise Refused("its pickle changes a function")


class _DType:
  """numpy.dtype of a number, or of the one object."""

  __slots__ = ("code", "is_built", "order")

  def __init__(self, code, align=False, copy=True):
    del align, copy
    if code not in (*_NUMBERS, *_OBJECT):
      raise Refused(
        f"it holds an array of dtype {quoted(code)}; only numbers are read"
      )
    self.code, self.order, self.is_built = code, "=", False

  def __setstate__(self, state):
    _, order, *structure = _state(state, 8)
    if order not in ("<", ">", "|", "=") or structure[:3] != [None] * 3:
      raise Refused("it holds an array of a structured dtype")
    if self.is_built:
      raise Refused("it builds a dtype twice")
    self.order, self.is_built = order, True

  @property
  def is_object(self) -> bool:
    return self.code in _OBJECT


def _state(state, length):
  """Returns the state of an object of NumPy; all its writers have `length`."""
  if type(state) is not tuple or len(state) != length:
    raise Refused(f"it builds an object of no tuple of {length}")
  return state


class Array:
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
      raise Refused("it builds an array twice")
    self.is_built = True
    if not (
      isinstance(shape, tuple)
      and len(shape) <= DEEPEST
      and all(type(size) is int and size >= 0 for size in shape)
    ):
      raise Refused("it holds an array whose shape is none")
    if dtype.is_object:
      if shape or not isinstance(data, list) or len(data) != 1:
        raise Refused("it holds an array of objects; only numbers are read")
      self.is_object, self.value = True, data[0]
      return
    kind = np.dtype(dtype.code).newbyteorder(dtype.order)
    if not isinstance(data, (bytes, bytearray)):
      raise Refused(f"it holds an array without bytes, of {type_name(data)}")
    needed = kind.itemsize if 0 not in shape else 0
    for size in shape:
      needed *= size
      if needed > len(data):
        break
    if needed != len(data):
      raise Refused(
        f"it holds an array of shape {shape}, whose bytes are not the"
        f" {len(data)} that are there"
      )
    values = np.frombuffer(data, kind) if needed else np.zeros(0, kind)
    self.value = values.reshape(shape, order=order)


def _reconstruct(kind, shape, code):
  """numpy.core.multiarray._reconstruct: an array whose state follows."""
  del kind, shape, code
  return Array()


def _from_buffer(data, dtype, shape, order):
  """numpy.core.numeric._frombuffer, of protocol 5."""
  array = Array()
  array.fill(shape, dtype, order, data)
  return array


def _scalar(dtype, data):
  """numpy.core.multiarray.scalar."""
  return _from_buffer(data, dtype, (), "C")


def _jax_array(function, args, state, abstract_value):
  """jax._src.array._reconstruct_array: NumPy's form and what JAX adds."""
  del abstract_value
  if function is not _RECONSTRUCT:
    raise Refused("it holds an array of JAX that is made of no NumPy array")
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
    raise Refused("it holds a mapping of Haiku that is made of no dict")
  return items


_RECONSTRUCT = StandIn(_reconstruct)
# Before and since NumPy 2, which renamed its core.
_NUMPY_CORES = ("numpy.core", "numpy._core")
STAND_INS: dict[tuple[str, str], object] = {
  ("numpy", "ndarray"): object(),  # an argument; it cannot be called
  ("numpy", "dtype"): StandIn(_DType),
  **{(f"{c}.multiarray", "_reconstruct"): _RECONSTRUCT for c in _NUMPY_CORES},
  **{(f"{c}.multiarray", "scalar"): StandIn(_scalar) for c in _NUMPY_CORES},
  **{
    (f"{c}.numeric", "_frombuffer"): StandIn(_from_buffer) for c in _NUMPY_CORES
  },
  ("__builtin__", "bytes"): StandIn(_no_bytes),
  ("collections", "OrderedDict"): StandIn(_ordered_dict),
  **{
    ("haiku._src.data_structures", name): StandIn(_mapping)
    for name in ("FlatMapping", "FlatMap", "frozendict")
  },
  # JAX up to 0.3 pickles its arrays as NumPy's.
  ("jax._src.device_array", "reconstruct_device_array"): StandIn(_jax_array),
  ("jax._src.array", "_reconstruct_array"): StandIn(_jax_array),
}


class Refused(ValueError):
  """What the file asks for is not allowed; the message says what."""


def quoted(value: object) -> str:
  """Returns a value of a file as one can print it; containers by their type.

  What is written of a text is short and holds no control characters. The text
  of a container that shares its parts may not fit into the memory.
  """
  if isinstance(value, str):
    return repr(value if len(value) <= 200 else f"{value[:200]}...")
  if isinstance(value, (bool, int, float, type(None))):
    return repr(value)
  return f"a {type_name(value)}"


def type_name(value: object) -> str:
  """Returns the name of a value's class as a message says it."""
  return type(value).__name__.strip("_")
