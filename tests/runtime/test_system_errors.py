"""Places that are full or cannot be used end in one line with the remedy."""

import errno

import pytest

from tests import forked_binaries
from tfvssl.runtime import exit_codes
from tfvssl.runtime import system_errors


def test_message_names_the_places_and_the_remedy():
  error = OSError(errno.EACCES, "x", "RUN", None, "RUN2")
  assert system_errors.message(error) == (
    "RUN -> RUN2: Permission denied; choose another place, or make this one"
    " usable."
  )
  error = OSError(errno.ENOSPC, "x")
  assert system_errors.message(error) == (
    "No space left on device; free some room and start again."
  )
  assert system_errors.message(FileNotFoundError("ours.")) == "ours."


@pytest.mark.parametrize(
  ("kind", "text", "code", "remedy"),
  [
    ("OutOfRangeError", "File too large", 6, "free some room"),
    ("UnknownError", "Read-only file system", 2, "choose another place"),
    ("FailedPreconditionError", "Not a directory", 2, "choose another place"),
    ("PermissionDeniedError", "Permission denied", 2, "choose another place"),
  ],
)
def test_what_tensorflow_cannot_write_names_the_place(kind, text, code, remedy):
  import tensorflow as tf

  error = getattr(tf.errors, kind)(
    None, None, f"RUN/x.tempstate; {text} [Op:X]"
  )
  assert system_errors.code_of(error) == code
  said = system_errors.message(error)
  assert said.startswith(f"RUN/x.tempstate: {text}; {remedy}")
  plain = getattr(tf.errors, kind)(None, None, "something else")
  assert system_errors.code_of(plain) == exit_codes.BUG


@pytest.mark.parametrize(
  ("said", "expected"),
  [
    ("my runs/x y.index; File too large", "my runs/x y.index: File too large;"),
    ("{{node Save}} a b; File too large [Op:S]", "a b: File too large; free"),
    ("; File too large", "File too large; free some room"),
  ],
)
def test_places_of_tensorflow_are_whole(said, expected):
  import tensorflow as tf

  error = tf.errors.UnknownError(None, None, said)
  assert system_errors.message(error).startswith(expected)


def test_full_disk_while_a_checkpoint_is_written(tmp_path):
  """What TensorFlow itself says of a file that cannot grow."""
  out, error = tmp_path / "out", tmp_path / "error"
  server = forked_binaries.Server()
  pid = server.start(
    "tests.runtime.write_checkpoint",
    [str(tmp_path / "my run" / "x")],
    out,
    error,
    file_bytes=4096,
  )
  code = server.wait(pid, 120)
  server.close()
  said = error.read_text().splitlines()[-1]
  assert code == exit_codes.RESOURCE, said
  assert said.startswith(f"error: {tmp_path}/my run/x")
  assert said.endswith(": File too large; free some room and start again.")


def _file_in_the_way(tmp_path):
  (tmp_path / "file").write_text("")
  return tmp_path / "file" / "run"


def _link_loop(tmp_path):
  (tmp_path / "a").symlink_to(tmp_path / "b")
  (tmp_path / "b").symlink_to(tmp_path / "a")
  return tmp_path / "a" / "run"


def _long_name(tmp_path):
  return tmp_path / ("x" * 300)


@pytest.mark.parametrize("place", [_file_in_the_way, _link_loop, _long_name])
@pytest.mark.parametrize(
  ("module", "flag"),
  [
    ("data_prep.generate_demo", "--output"),
    ("tfvssl.demo", "--workdir"),
    ("tfvssl.train", "--config=configs/tiny_brave.py --workdir"),
  ],
)
def test_place_that_cannot_be_written_is_one_line(
  module, flag, place, tmp_path
):
  path = place(tmp_path)
  done = forked_binaries.run(module, *f"{flag}={path}".split())
  lines = done.stderr.splitlines()
  assert done.returncode == exit_codes.USAGE, done.stderr[-2000:]
  assert "Traceback" not in done.stderr
  assert lines[-1].startswith(f"error: {tmp_path}")
  assert lines[-1].endswith("; choose another place, or make this one usable.")
