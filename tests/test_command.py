"""tfvssl COMMAND: the table of all commands, and what it runs."""

import pathlib
import re
import subprocess
import sys

import pytest

from tests import build_file
from tests import source_tree
from tests import test_layers
from tfvssl import __main__ as front


def _run(*words, cwd=source_tree.ROOT):
  return subprocess.run(
    [sys.executable, "-m", "tfvssl", *words],
    cwd=cwd,
    env={"PYTHONPATH": str(source_tree.ROOT), "PATH": ""},
    capture_output=True,
    text=True,
    timeout=60,
  )


def test_every_command_is_in_the_table():
  found = {
    target.main.removesuffix(".py").replace("/", ".")
    for target in build_file.targets()
    if target.kind == "py_binary" and not target.main.startswith("benchmarks")
  }
  modules = [command.module for command in front.COMMANDS.values()]
  expected = found - {"tfvssl.__main__"} | {"data_prep.inspect_records"}
  assert sorted(modules) == sorted(expected)


def test_its_arrows_are_those_of_build():
  for command in front.COMMANDS.values():
    assert test_layers.problem_of("tfvssl.__main__", command.module) is None
  assert test_layers.problem_of("tfvssl.__main__", "configs.tiny_brave")


@pytest.mark.parametrize(("words", "code"), [(["--help"], 0), ([], 2)])
def test_table_is_shown_without_loading_anything(words, code, capsys):
  assert front.main(["tfvssl", *words]) == code
  lines = capsys.readouterr().out.splitlines()
  assert [line.split()[0] for line in lines if line.startswith("  ")] == list(
    front.COMMANDS
  )
  loaded = subprocess.run(
    [sys.executable, "-X", "importtime", "-m", "tfvssl", "--help"],
    cwd=source_tree.ROOT,
    capture_output=True,
    text=True,
  ).stderr
  assert not re.search(r"\b(absl|numpy|tensorflow|tfvssl\.\w+)\b", loaded)


@pytest.mark.parametrize(
  ("word", "remedy"),
  [
    ("trian", "did you mean train?"),
    ("import_weights", "did you mean import-weights?"),
    ("xyz", "see tfvssl --help."),
  ],
)
def test_unknown_command_is_answered_in_one_line(word, remedy, capsys):
  assert front.main(["tfvssl", word]) == 2
  error = capsys.readouterr().err
  assert error == f"error: '{word}' is not a command; {remedy}\n"


def test_what_a_terminal_obeys_is_not_printed(capsys):
  assert front.main(["tfvssl", "\x1b[2J"]) == 2
  assert capsys.readouterr().err.startswith(r"error: '\x1b[2J' is not")


@pytest.mark.parametrize(
  ("command", "flags", "head"),
  [
    ("train", ("--workdir:", "--config:"), "Pretrains a method"),
    ("inspect", ("--report:", "--config:"), "Checks a record folder"),
  ],
)
def test_help_of_a_command_shows_its_flags(command, flags, head):
  done = _run(command, "--help")
  assert done.returncode == 0
  assert done.stdout.startswith(head)
  assert f"\ntfvssl {command}:\n" in done.stdout
  assert all(flag in done.stdout for flag in flags)


def test_words_after_the_command_are_its_flags(tmp_path):
  done = _run("prepare", "--input=absent", "--output=x", cwd=tmp_path)
  assert (done.returncode, done.stderr.count("\n")) == (3, 1)
  assert done.stderr.startswith("error: `--input` (absent) does not exist")


def test_packages_of_the_user_with_our_names_do_no_harm(tmp_path):
  for name in ("configs", "data_prep"):
    (tmp_path / name).mkdir()
    (tmp_path / name / "__init__.py").write_text("raise RuntimeError('theirs')")
  done = _run("inspect", "--help", cwd=tmp_path)
  assert done.returncode == 0, done.stderr
  (tmp_path / "own.py").write_text("import configs\n")
  done = _run("inspect", "--config=own.py", "--records=x", cwd=tmp_path)
  assert done.stderr == "error: --config=own.py: RuntimeError: theirs\n"
  # A recipe that uses two others, and a value that is refused when all is read.
  words = ("--config=tiny_brave_fa", "--config.steps=0", "--workdir=x")
  done = _run("train", *words, cwd=tmp_path)
  assert done.stderr == "error: `experiment.steps` (0) must be above 0.\n"
  assert done.returncode == 2


def test_console_scripts_of_data_prep_run_their_command():
  code = (
    "import sys; from tfvssl import __main__ as front\n"
    "sys.argv = ['/bin/tfvssl-make-vocabulary', '--help']\n"
    "front.script_main()"
  )
  done = subprocess.run(
    [sys.executable, "-c", code],
    cwd=source_tree.ROOT,
    capture_output=True,
    text=True,
  )
  assert done.returncode == 0, done.stderr
  assert done.stdout.startswith("Makes a vocabulary")
  assert "\ntfvssl vocabulary:\n" in done.stdout


def test_a_clone_is_found_from_everywhere(tmp_path, monkeypatch):
  monkeypatch.chdir(tmp_path)
  before = list(sys.path)
  found = front._imported("data_prep.datasets.definitions")
  assert pathlib.Path(found.__file__).is_relative_to(source_tree.ROOT)
  assert sys.path == before
