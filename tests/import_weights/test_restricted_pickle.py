"""Checkpoints of all writers are read; nothing that a file names is run."""

import collections
import io
import os
import pickle
import struct
import subprocess
import sys
import types

import numpy as np
import pytest

from tests import published_files
from tests.conftest import ROOT
from tfvssl.import_weights import restricted_pickle


def _arrays():
  generator = np.random.default_rng(0)
  weights = generator.normal(size=(2, 3, 4)).astype(np.float32)
  return {
    "w": weights,
    "fortran": np.asfortranarray(weights[0]),
    "strided": weights[:, ::2],
    "big_endian": weights.astype(">f4"),
    "half": weights.astype(np.float16),
    "counter": np.array(5, np.int32),
    "empty": np.zeros([0, 3], np.float32),
  }


def _check(read, expected):
  assert sorted(read) == sorted(expected)
  for name, array in expected.items():
    assert read[name].dtype == array.dtype, name
    np.testing.assert_array_equal(read[name], array, err_msg=name)


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_every_protocol_gives_the_arrays_back(protocol):
  tree = {
    "params": collections.OrderedDict(a=_arrays()),
    "config": {
      "frames": 16,
      "rate": 25.0,
      "audio": True,
      "bins": np.int64(80),
      "shards": ["x"],
      "range": (1, None),
    },
  }
  read = restricted_pickle.load_npy(published_files.npy(tree, protocol))
  _check(read["params"]["a"], _arrays())
  bins = read["config"].pop("bins")
  assert (bins.dtype, bins.shape, int(bins)) == (np.int64, (), 80)
  del tree["config"]["bins"]
  assert read["config"] == tree["config"]


def test_what_np_save_writes_is_read(tmp_path):
  np.save(tmp_path / "x.npy", {"a": _arrays()})
  _check(
    restricted_pickle.load_npy((tmp_path / "x.npy").read_bytes())["a"],
    _arrays(),
  )


def test_names_of_numpy_2_are_read():
  content = published_files.npy({"a": np.arange(3.0)}, 3)
  assert content.count(b"numpy.core.multiarray") == 1
  renamed = content.replace(b"numpy.core.multiarray", b"numpy._core.multiarray")
  read = restricted_pickle.load_npy(renamed)
  np.testing.assert_array_equal(read["a"], np.arange(3.0))


@pytest.fixture
def library(monkeypatch):
  """Returns a function that makes a module which the pickler can name."""

  def make(name: str) -> types.ModuleType:
    parts = name.split(".")
    for length in range(1, len(parts) + 1):
      path = ".".join(parts[:length])
      monkeypatch.setitem(sys.modules, path, types.ModuleType(path))
    return sys.modules[name]

  return make


def test_mappings_of_haiku_are_dicts(library):
  module = library("haiku._src.data_structures")

  class FlatMapping(dict):
    def __reduce__(self):
      return module.FlatMapping, (dict(self),)

  FlatMapping.__module__ = module.__name__
  FlatMapping.__qualname__ = "FlatMapping"
  module.FlatMapping = FlatMapping
  tree = {"params": FlatMapping(a=FlatMapping(_arrays()))}
  read = restricted_pickle.load_npy(published_files.npy(tree))
  assert type(read["params"]) is dict
  _check(read["params"]["a"], _arrays())


@pytest.mark.parametrize(
  ("module_name", "function_name"),
  [
    ("jax._src.array", "_reconstruct_array"),
    ("jax._src.device_array", "reconstruct_device_array"),
  ],
)
def test_arrays_of_jax_are_those_of_numpy(library, module_name, function_name):
  module = library(module_name)

  def reconstruct(fun, args, state, aval_state):
    raise AssertionError("only its name is written")

  reconstruct.__module__ = module_name
  reconstruct.__qualname__ = function_name
  setattr(module, function_name, reconstruct)

  class Array:
    def __init__(self, array):
      self.array = array

    def __reduce__(self):
      function, args, state = self.array.__reduce__()
      return reconstruct, (function, args, state, {"weak_type": False})

  tree = {name: Array(array) for name, array in _arrays().items()}
  read = restricted_pickle.load_npy(published_files.npy(tree))
  _check(read, _arrays())


class _Call:
  """Pickles as a call of `function`."""

  def __init__(self, function, *arguments):
    self.reduced = function, arguments

  def __reduce__(self):
    return self.reduced


@pytest.mark.parametrize(
  ("make", "name"),
  [
    (lambda path: _Call(os.system, f"touch {path}"), "posix.system"),
    (lambda path: _Call(eval, f"open({path!r}, 'w')"), "builtins.eval"),
    (lambda path: _Call(exec, f"open({path!r}, 'w')"), "builtins.exec"),
    (lambda path: _Call(open, path, "w"), "io.open"),
    (lambda path: _Call(np.save, path, np.zeros(1)), "numpy.save"),
    (lambda path: _Call(np.memmap, path, "u1", "w+", 0, 8), "numpy.memmap"),
    (lambda path: _Call(os.mkdir, path), "posix.mkdir"),
    (lambda path: _Call(getattr, os, "getcwd"), "builtins.getattr"),
  ],
)
@pytest.mark.parametrize("protocol", [2, 5])
@pytest.mark.parametrize("nested", [True, False])
def test_a_call_is_refused_by_name(make, name, protocol, nested, tmp_path):
  marker = tmp_path / "marker"
  if name == "builtins.getattr":
    call = _Call(getattr, "text", "upper")  # a module cannot be pickled
  else:
    call = make(str(marker))
  tree = {"params": {"a": {"w": call}}} if nested else call
  content = published_files.npy(tree, protocol)
  if protocol == 2:  # written for Python 2
    name = name.replace("builtins", "__builtin__")
  with pytest.raises(ValueError, match=f"asks for '{name}', which is neither"):
    restricted_pickle.load_npy(content)
  assert not marker.exists()
  if name in ("posix.system", "posix.mkdir"):  # the file is as bad as it looks
    pickle.loads(pickle.dumps(call))  # noqa: S301
    assert marker.exists()


_GLOBAL_ARRAY = b"cnumpy.core.multiarray\n_reconstruct\n"
_GLOBAL_DTYPE = b"cnumpy\ndtype\n"


def _dtype(code):
  return pickle.dumps(np.dtype(code), 2)[2:-1]


def _state(dtype, shape, data):
  """Returns the instructions that give an array its state."""
  state = b"(K\x01" + pickle.dumps(shape, 2)[2:-1] + dtype + b"\x89" + data
  return state + b"tb"


def _array(dtype, shape, data):
  """Returns the instructions of an array with any shape and data."""
  made = _GLOBAL_ARRAY + b"cnumpy\nndarray\nK\x00\x85C\x01b\x87R"
  return made + _state(dtype, shape, data)


_DTYPE_F4 = _GLOBAL_DTYPE + b"X\x02\x00\x00\x00f4\x85R"
_DTYPE_STATE = b"(K\x03X\x01\x00\x00\x00<NNNK\x00K\x00K\x00t"


@pytest.mark.parametrize(
  ("body", "message"),
  [
    (
      _array(_dtype("f4"), (10**6, 10**6), b"C\x04abcd"),
      r"shape \(1000000, 1000000\), whose bytes are not the 4 that are there",
    ),
    (_array(_dtype("f4"), (-1, 4), b"C\x04abcd"), "array whose shape is none"),
    (_array(_dtype("O"), (3,), b"]"), "an array of objects"),
    (_array(_dtype("O"), (), b"]"), "an array of objects"),
    (_array(_dtype("S4"), (1,), b"C\x04abcd"), "dtype 'S4'"),
    (
      _array(_dtype([("a", "f4")]), (1,), b"C\x04abcd"),
      "dtype 'V4'",
    ),
    # numpy.ndarray((2 ** 40,))
    (
      b"cnumpy\nndarray\n" + pickle.dumps(2**40, 2)[2:-1] + b"\x85\x85R",
      "cut or damaged",
    ),
    # A memo place that takes 32 GiB, and a text of 1 EiB that is not there.
    (b"Nr" + struct.pack("<I", 2**31), f"memo place {2**31}"),
    (b"\x8d" + struct.pack("<Q", 2**60), "cut or damaged"),
    (b"\x96" + struct.pack("<Q", 2**40), "cut or damaged"),
    (
      b"c_codecs\nencode\nX\x01\x00\x00\x00aX\x04\x00\x00\x00rot_\x86R",
      "encodes",
    ),
    (_GLOBAL_ARRAY + b"}X\x01\x00\x00\x00aK\x01sb", "changes a function"),
    (_GLOBAL_DTYPE + b")\x81", "instruction NEWOBJ, which no array needs"),
    (b"\x82\x01", "instruction EXT1"),  # copyreg's extension 1
    (b"X\x01\x00\x00\x00aQ", "instruction BINPERSID"),
    (b"\x8f", "instruction EMPTY_SET"),
    (b"(\x91", "instruction FROZENSET"),
    (b"(K\x01K\x02d", "instruction DICT"),
    (b"}K\x01K\x02s", "a key of a dict in it is a int"),
    (b"}(X\x01\x00\x00\x00aK\x02)K\x02u", "a key of a dict in it is a tuple"),
    (b"}(X\x01\x00\x00\x00au", "cut or damaged"),  # a key without a value
    (b"]K\x00K\x02s", "puts an item into a list"),
    (_array(_dtype("f4"), (2**64,), b"C\x00"), "of more than 64 bits"),
    (b"\x8a\x09" + b"\x00" * 8 + b"\xff", "of more than 64 bits"),
    (_array(_dtype("f4"), (1,), b"]"), "an array without bytes, of list"),
    (_GLOBAL_ARRAY + b")))\x87R]b", "builds an object of no tuple of 5"),
    (_GLOBAL_ARRAY + b")))\x87R(" + b"N" * 6 + b"tb", "no tuple of 5"),
    (_DTYPE_F4 + b"(" + b"N" * 9 + b"tb", "no tuple of 8"),
    (_dtype("f4") + _DTYPE_STATE + b"b", "builds a dtype twice"),
    (
      _array(_dtype("f4"), (0,), b"C\x00")
      + _state(_dtype("f4"), (0,), b"C\x00"),
      "builds an array twice",
    ),
    (b"]" + b"\x85" * 20, "nested more than 8 deep"),
    (
      b"chaiku._src.data_structures\nFlatMapping\nK\x01\x85R",
      "made of no dict",
    ),
    (
      b"cjax._src.array\n_reconstruct_array\n(cnumpy\ndtype\n)N}tR",
      "made of no NumPy array",
    ),
    (
      b"ccollections\nOrderedDict\n]\x85R",
      "cut or damaged",
    ),
  ],
)
def test_what_is_no_array_is_refused(body, message):
  root = _GLOBAL_ARRAY + b"cnumpy\nndarray\nK\x00\x85C\x01b\x87R"
  state = b"(K\x01)" + _dtype("O") + b"\x89](" + body + b"etb."
  content = published_files.npy_of_pickle(b"\x80\x04" + root + state)
  with pytest.raises(ValueError, match=message):
    restricted_pickle.load_npy(content)


def test_the_same_frame_with_an_array_is_read():
  """So that the cases above fail for what they hold alone."""
  body = _array(_dtype("f4"), (2,), b"C\x08" + np.float32([1, 2]).tobytes())
  root = _GLOBAL_ARRAY + b"cnumpy\nndarray\nK\x00\x85C\x01b\x87R"
  state = b"(K\x01)" + _dtype("O") + b"\x89](" + body + b"etb."
  content = published_files.npy_of_pickle(b"\x80\x04" + root + state)
  np.testing.assert_array_equal(restricted_pickle.load_npy(content), [1, 2])


def test_an_endless_program_is_refused(monkeypatch):
  monkeypatch.setattr(restricted_pickle, "_MOST_INSTRUCTIONS", 100)
  content = published_files.npy_of_pickle(b"\x80\x04" + b"N0" * 60 + b"N.")
  with pytest.raises(ValueError, match="more than 100 instructions"):
    restricted_pickle.load_npy(content)


def test_a_tower_of_tuples_is_no_key():
  """Python's hash of one this high overflows the stack of the process."""
  tower = b"\x80\x04})" + b"\x85" * 200_000 + b"Ns."
  with pytest.raises(ValueError, match="a key of a dict in it is a tuple"):
    restricted_pickle.load_npy(published_files.npy_of_pickle(tower))


def _shared_tuples(share):
  """A dict whose key is a tuple of 2 ** 100 parts."""
  return b"\x80\x04}N\x85" + share * 100 + b"Ns."


def _equal_hashes():
  """A dict of 300 thousand keys, all of the hash 0."""
  keys = (
    b"\x8a\x0a" + (i * (2**61 - 1)).to_bytes(10, "little") + b"N"
    for i in range(300_000)
  )
  return b"\x80\x04}(" + b"".join(keys) + b"u."


def _long_shape():
  """An array of 8 sizes with 30 million bits each."""
  size = (1 << 30_000_000).to_bytes(3_750_002, "little")
  size = b"\x8b" + struct.pack("<I", len(size)) + size
  made = _GLOBAL_ARRAY + b"cnumpy\nndarray\nK\x00\x85C\x01b\x87R(K\x01"
  shape = b"(" + size * 8 + b"t"
  return b"\x80\x04" + made + shape + _dtype("f4") + b"\x89C\x00tb."


def _copied_state():
  """Arrays that are built of one list of 300 thousand parts, 50 thousand."""
  parts = b"](" + b"N" * 300_000 + b"K\x00\x85" + _dtype("f4") + b"\x89C\x00e"
  one = _GLOBAL_ARRAY + b")))\x87Rr\x01\x00\x00\x000"
  build = b"h\x01h\x00b0"
  return b"\x80\x04" + parts + b"q\x000" + one + build * 50_000 + b"N."


@pytest.mark.parametrize(
  ("body", "message"),
  [
    (_shared_tuples(b"2\x86"), "instruction DUP"),
    (_shared_tuples(b"q\x00h\x00\x86"), "a key of a dict in it is a tuple"),
    (_equal_hashes(), "more than 64 bits"),
    (_long_shape(), "more than 64 bits"),
    (_copied_state(), "no tuple of 5"),
  ],
  ids=["copied", "shared", "equal_hashes", "long_shape", "copied_state"],
)
def test_a_file_that_would_take_years_is_refused_at_once(
  body, message, tmp_path
):
  """In a process of its own: what hangs there can be ended."""
  (tmp_path / "x.npy").write_bytes(published_files.npy_of_pickle(body))
  program = (
    "import pathlib, sys\n"
    "from tfvssl.import_weights import restricted_pickle\n"
    "restricted_pickle.load_npy(pathlib.Path(sys.argv[1]).read_bytes())\n"
  )
  process = subprocess.run(
    [sys.executable, "-c", program, str(tmp_path / "x.npy")],
    cwd=ROOT,
    capture_output=True,
    text=True,
    timeout=30,
  )
  assert message in process.stderr.splitlines()[-1]


def test_keys_of_one_hash_below_64_bits_are_refused_too():
  """Five such integers have 64 bits; strings are the only keys."""
  keys = b"".join(
    b"\x8a\x09" + (i * (2**61 - 1)).to_bytes(9, "little") + b"N"
    for i in range(5)
  )
  content = published_files.npy_of_pickle(b"\x80\x04}(" + keys + b"u.")
  with pytest.raises(ValueError, match="a key of a dict in it is a int"):
    restricted_pickle.load_npy(content)


def test_a_mapping_shared_a_million_times_is_visited_once():
  tree: object = {"w": np.zeros(1)}
  for _ in range(6):
    tree = {str(number): tree for number in range(30)}
  read = restricted_pickle.load_npy(published_files.npy(tree))
  assert read["0"] is read["29"]


def test_every_cut_is_refused():
  content = published_files.npy({"a": _arrays()}, 4)
  restricted_pickle.load_npy(content)
  for size in range(0, len(content), 7):
    with pytest.raises(ValueError, match="cut or damaged|no .npy file"):
      restricted_pickle.load_npy(content[:size])


def test_random_damage_is_refused_or_read():
  """Any other exception than ValueError would be a traceback."""
  content = published_files.npy({"a": _arrays()}, 4)
  generator = np.random.default_rng(0)
  refused = 0
  for _ in range(500):
    damaged = bytearray(content)
    for place in generator.integers(128, len(content), 3):
      damaged[place] = generator.integers(256)
    try:
      restricted_pickle.load_npy(bytes(damaged))
    except ValueError:
      refused += 1
  assert 250 < refused < 500


@pytest.mark.parametrize(
  ("content", "message"),
  [
    (b"", "no .npy file"),
    (b"PK\x03\x04 is a zip", "no .npy file"),
    (b"\x93NUMPY\x09\x00" + b"v" * 40, r"format version \(9, 0\)"),
    (b"\x93NUMPY\x01\x00\x08\x00import x", "no .npy file"),
  ],
)
def test_what_is_no_npy_is_refused(content, message):
  with pytest.raises(ValueError, match=message):
    restricted_pickle.load_npy(content)


def test_an_array_of_numbers_is_no_checkpoint():
  stream = io.BytesIO()
  np.save(stream, np.zeros([2, 3], np.float32))
  with pytest.raises(ValueError, match=r"float32 and shape \(2, 3\), no pickl"):
    restricted_pickle.load_npy(stream.getvalue())


def test_a_pickle_without_the_array_around_it_is_refused():
  content = published_files.npy_of_pickle(pickle.dumps({"params": {}}))
  with pytest.raises(ValueError, match="holds no array of one object"):
    restricted_pickle.load_npy(content)
