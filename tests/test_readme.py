"""The command lines of README.md and docs/ do what the pages promise.

All of a page run in order, in a folder of its own, on clips of the demo; flags
are added that make them short. Of those that need what nobody may hand out
(blocks marked `needs`) flags and configuration are read.
"""

import shlex
import shutil
import subprocess

import pytest

from tests import forked_binaries
from tests import page_commands
from tests import parsed_command
from tests import source_tree
from tests import test_add_a_method
from tests.conftest import ROOT

_SHORTER = {
  "data_prep.generate_demo": [
    "--train_clips=48",
    "--test_clips=16",
    "--shots=1",
  ],
  "tfvssl.train": [
    "--config.steps=3",
    "--config.schedule.warmup_steps=1",
    "--config.batch_size=8",
  ],
  "--protocol=svm": ["--set=svm.train_epochs=1", "--set=svm.temporal_clips=1"],
  "--protocol=retrieval": ["--set=retrieval.temporal_clips=1"],
  "tfvssl.deflate": ["--epochs=1", "--batch_size=8", "--short_side=40"],
}
# Its files are not part of the project; its own test writes and runs them.
_RUN_ELSEWHERE = [test_add_a_method._PAGE]
_PAGES = [page for page in page_commands.PAGES if page not in _RUN_ELSEWHERE]
# What a page takes for granted, from README.md.
_MADE_BEFORE = {"docs/papers.md": ("RUN", "RECORDS")}


def _name(page):
  return page.relative_to(ROOT).as_posix()


def _lines(*, needs):
  """Returns every command line of a block by its page's name."""
  return [
    (_name(page), command)
    for page in _PAGES
    for command in page_commands.of_page(page)
    if command.program == "python -m" and command.needs == needs
  ]


class _Folder:
  """Where the commands of a page are typed."""

  def __init__(self, path):
    self.path = path
    path.mkdir()
    for name in source_tree.FOLDERS:
      (path / name).symlink_to(ROOT / name)
    self.server = forked_binaries.Server(path)

  def type(self, words) -> list[str]:
    """Returns the lines that `python -m WORDS` prints; it has to succeed."""
    module, *flags = words
    flags += [flag for word in words for flag in _SHORTER.get(word, [])]
    out, error = self.path / "out.txt", self.path / "error.txt"
    code = self.server.wait(self.server.start(module, flags, out, error), 900)
    said = error.read_text(encoding="utf-8")[-3000:]
    assert not code, f"{shlex.join(words)}:\n{said}"
    lines = out.read_text(encoding="utf-8").splitlines()
    out.unlink()
    error.unlink()
    return lines


@pytest.fixture(scope="module")
def typed(tmp_path_factory):
  """What every command line printed, by page, in order."""
  root = tmp_path_factory.mktemp("pages")
  clips = _Folder(root / "demo")
  folders = [clips]
  clips.type(["data_prep.generate_demo", "--output=CLIPS"])
  said = {}
  for name, command in _lines(needs=False):
    path = root / name.replace("/", "_")
    if not path.exists():
      folder = _Folder(path)
      folders.append(folder)
      test = clips.path / "CLIPS" / "test"
      (path / "VIDEOS").symlink_to(clips.path / "CLIPS" / "train")
      (path / "CLIP.mp4").symlink_to(sorted(test.rglob("*.mp4"))[0])
      for made in _MADE_BEFORE.get(name, ()):
        shutil.copytree(root / "README.md" / made, path / made)
    said.setdefault(name, []).append(
      (folder, command, folder.type(command.words))
    )
  yield said
  for folder in folders:
    folder.server.close()


@pytest.mark.slow
def test_every_line_runs_in_order(typed):
  ran = {
    name: [command.words[0] for _, command, _ in lines]
    for name, lines in typed.items()
  }
  assert ran["README.md"] == [
    "data_prep.prepare_records",
    "data_prep.inspect_records",
    "tfvssl.train",
    "tfvssl.evaluate",
    "tfvssl.export",
    "tfvssl.embed",
    "tfvssl.search",
  ]
  assert len(ran["docs/mmv.md"]) == 8
  assert ran["docs/papers.md"] == ["tfvssl.deflate", "tfvssl.export"]


@pytest.mark.slow
def test_what_a_line_calls_its_output_is_there_afterwards(typed):
  for lines in typed.values():
    for folder, command, _ in lines:
      for flag in command.flags:
        name, _, value = flag.partition("=")
        if name in ("--output", "--report", "--workdir"):
          assert (folder.path / value).exists(), flag


@pytest.mark.slow
@pytest.mark.parametrize(
  ("name", "protocol"), [("README.md", "svm"), ("docs/mmv.md", "retrieval")]
)
def test_training_leads_to_the_measure_of_its_records(typed, name, protocol):
  (said,) = [
    said
    for _, command, said in typed[name]
    if command.words[0] == "tfvssl.train"
  ]
  words = shlex.split(said[-1])
  assert words[3] == "tfvssl.evaluate" and f"--protocol={protocol}" in words
  assert "--test_records=RECORDS/test" in words


@pytest.mark.slow
def test_next_lines_can_be_typed(typed):
  """What they name in capitals is for the user to fill in."""
  found = [
    page_commands.of_line(line.removeprefix("next: ")).words
    for lines in typed.values()
    for _, _, said in lines
    for line in said
    if line.startswith("next: python -m ")
  ]
  assert len(found) >= 13
  for words in found:
    assert not parsed_command.problem_of(words), words


def test_what_needs_other_data_can_be_read(capsys):
  lines = _lines(needs=True)
  for page in _PAGES:  # in sentences what is needed besides goes without saying
    lines += [
      (_name(page), command)
      for command in page_commands.in_sentences(page)
      if "data_prep.prepare_records" not in command.words
    ]
  assert len(lines) > 10
  with capsys.disabled():
    print(f"\n{len(lines)} command lines are read and not run")
  for name, command in lines:
    problem = parsed_command.problem_of(command.words)
    assert not problem, f"{name}: {shlex.join(command.words)}: {problem}"


@pytest.mark.parametrize(
  ("words", "problem"),
  [
    (["tfvssl.train", "--workdr=RUN"], "Unknown command line flag 'workdr'"),
    (["tfvssl.train", "--config=brave/CONFIG"], "does not exist"),
    (["tfvssl.train", "RUN"], "'RUN' is not a flag"),
    (
      ["tfvssl.train", "--config=tiny_brave", "--config.seed=SEED"],
      "SEED",
    ),
    (
      ["tfvssl.train", "--config=tiny_brave", "--config.steps=0"],
      "`experiment.steps` (0) must be above 0",
    ),
  ],
)
def test_lines_that_cannot_be_read_are_found(words, problem):
  assert problem in parsed_command.problem_of(words)


def test_targets_of_make_are_there():
  targets = {
    (command.words[0], *command.words[1:])
    for page in _PAGES
    for command in page_commands.of_page(page)
    if command.program == "make"
  }
  assert ("demo",) in targets and ("test",) in targets
  for words in targets:
    done = subprocess.run(
      ["make", "--dry-run", *words], cwd=ROOT, capture_output=True, text=True
    )
    assert not done.returncode, done.stderr
