"""What importing the package costs and prints."""

import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
_LIMIT_S = 0.5  # beyond TensorFlow


def _python(code: str) -> subprocess.CompletedProcess:
  return subprocess.run(
    [sys.executable, "-c", code],
    cwd=ROOT,
    capture_output=True,
    text=True,
    timeout=120,
    check=True,
  )


def test_import_prints_nothing_and_loads_no_tensorflow():
  done = _python(
    "import sys, tfvssl, tfvssl.runtime.exit_codes, tfvssl.config.flag,"
    " tfvssl.views, tfvssl.config.experiment\n"
    "sys.exit('tensorflow' in sys.modules)"
  )
  assert (done.stdout, done.stderr) == ("", "")


def test_no_command_loads_tensorflow_before_it_has_read_its_flags():
  commands = [
    f"tfvssl.{path.parent.name}.__main__"
    for path in sorted((ROOT / "tfvssl").glob("*/__main__.py"))
  ]
  assert len(commands) >= 9
  # One after the other: flags of two commands may have the same name.
  done = _python(
    "import importlib, sys\n"
    "from absl import flags\n"
    f"for command in {commands}:\n"
    "  importlib.import_module(command)\n"
    "  if 'tensorflow' in sys.modules: sys.exit(command)\n"
    "  for name in list(flags.FLAGS):\n"
    "    delattr(flags.FLAGS, name)"
  )
  assert (done.stdout, done.stderr) == ("", "")


def test_import_costs_little_beyond_tensorflow():
  # Processor time, as other processes of the machine do not count in it; the
  # first of two may have to write bytecode.
  code = (
    "import tensorflow, time\n"
    "start = time.process_time()\n"
    "import tfvssl, tfvssl.views, tfvssl.config.experiment\n"
    "print(time.process_time() - start)"
  )
  assert any(float(_python(code).stdout) < _LIMIT_S for _ in range(2))
