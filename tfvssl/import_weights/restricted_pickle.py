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

from tfvssl.import_weights import pickle_stand_ins

# The released model's file has about 25 thousand; a bound on time and memory.
_MOST_INSTRUCTIONS = 1_000_000
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
  if not (isinstance(array, pickle_stand_ins.Array) and array.is_object):
    raise ValueError("its pickle holds no array of one object")
  return _to_tree(array.value, pickle_stand_ins.DEEPEST, {})


def load_pickle(content: bytes) -> object:
  """Returns the object of a pickle as dicts, lists and arrays.

  Args:
    content: of the file, of pickle protocol 2 to 5; otherwise as `load_npy`.

  Raises:
    ValueError: no such file, or it holds anything else; one line says what.
  """
  return _to_tree(
    _load(io.BytesIO(content), len(content)), pickle_stand_ins.DEEPEST, {}
  )


def _load(stream, size):
  """Returns what the pickle from here on makes of stand-ins."""
  begin = stream.tell()
  _check_instructions(stream)
  stream.seek(begin)
  # Whatever the content makes pickle raise means that it cannot be read: the
  # stand-ins are all that runs.
  try:
    return _Unpickler(stream, size).load()
  except pickle_stand_ins.Refused:
    raise
  except Exception as error:
    raise _damaged(error) from error


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
        raise pickle_stand_ins.Refused(
          f"its pickle has more than {_MOST_INSTRUCTIONS} instructions"
        )
      if instruction.name not in _INSTRUCTIONS:
        raise pickle_stand_ins.Refused(
          f"its pickle has the instruction {instruction.name}, which no array"
          " needs"
        )
      if isinstance(argument, int) and not -(2**63) <= argument < 2**64:
        raise pickle_stand_ins.Refused(
          "its pickle has an integer of more than 64 bits"
        )
      if instruction.name in _MEMO_INSTRUCTIONS and not (
        isinstance(argument, int) and 0 <= argument <= number
      ):
        raise pickle_stand_ins.Refused(
          f"its pickle uses the memo place {argument}"
        )
  except pickle_stand_ins.Refused:
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
        raise pickle_stand_ins.Refused(
          "its pickle encodes text that is not an array"
        )
      return text.encode("latin1")

    self._stand_ins = {
      **pickle_stand_ins.STAND_INS,
      ("_codecs", "encode"): pickle_stand_ins.StandIn(encode),
    }

  def find_class(self, module_name: str, global_name: str) -> Any:
    """Returns the stand-in of a name.

    Raises:
      ValueError: it has none.
    """
    stand_in = self._stand_ins.get((module_name, global_name))
    if stand_in is None:
      name = pickle_stand_ins.quoted(f"{module_name}.{global_name}")
      raise pickle_stand_ins.Refused(
        f"it asks for {name}, which is"
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
      raise pickle_stand_ins.Refused(
        f"it puts an item into a {pickle_stand_ins.type_name(mapping)}"
      )
    for key, value in zip(keys, values, strict=True):
      if type(key) is not str:
        raise pickle_stand_ins.Refused(
          f"a key of a dict in it is a {pickle_stand_ins.type_name(key)}"
        )
      mapping[key] = value


def _to_tree(value, depth, done):
  """Returns `value` with arrays in the place of stand-ins.

  Args:
    value: what was unpickled.
    depth: of dicts and lists that are allowed below.
    done: results by id: what is shared is visited once.
  """
  if isinstance(value, pickle_stand_ins.Array) and not value.is_object:
    return value.value
  if isinstance(value, _SCALARS):
    return value
  if not isinstance(value, (dict, list, tuple)):
    raise ValueError(
      f"it holds a value of type {pickle_stand_ins.type_name(value)}"
    )
  if depth == 0:
    raise ValueError(
      f"it holds dicts nested more than {pickle_stand_ins.DEEPEST} deep"
    )
  if id(value) not in done:
    done[id(value)] = (
      _dict_to_tree(value, depth, done)
      if isinstance(value, dict)
      else type(value)(_to_tree(item, depth - 1, done) for item in value)
    )
  return done[id(value)]


def _dict_to_tree(value, depth, done):
  return {key: _to_tree(item, depth - 1, done) for key, item in value.items()}
