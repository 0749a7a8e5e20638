"""The head of the learning table says what the cells say."""

from benchmarks.learning import header


def _cell(kind, seed, clips="generated", workers=2, steps=40):
  return {
    "set": clips,
    "kind": kind,
    "seed": seed,
    "seconds": 900.0,
    "choices": {"steps": steps},
    "machine": {"workers": workers, "cores_each": 1, "cores": 2},
  }


def test_command_asks_for_steps_and_seeds_of_the_cells():
  cells = [_cell("random", seed) for seed in range(4)]
  cells += [_cell("rgb_rc", 6, "real")]  # has neither number of its own
  cells += [_cell("rgb", seed, "real", workers=1) for seed in (0, 1)]
  assert header.lines(cells) == [
    "```",
    "python -m benchmarks.learning --workdir=OUT \\",
    "    --records=generated=generated/train,generated/test \\",
    "    --records=real=real/train,real/test \\",
    "    --steps=40 --seeds=4 --comparison_seeds=2",
    "```",
    "",
    "7 cells, 1.75 hours of processes with 1 CPU core(s) each, 1 or 2 at a time"
    " on 2 cores; 40 steps of training for each network.",
  ]


def test_seeds_of_what_is_not_there_are_not_asked_for():
  lines = header.lines([_cell("baselines", 0)])
  assert "    --steps=40" in lines


def test_sets_may_have_steps_of_their_own():
  cells = [_cell("random", 0), _cell("random", 0, "real", steps=70)]
  lines = header.lines(cells)
  assert "    --steps=40 --steps=70 --seeds=1" in lines
  assert "40 and 70 steps of training" in lines[-1]


def test_no_cell():
  assert header.lines([]) == ["No cell is there yet."]
