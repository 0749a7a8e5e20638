"""`--describe` answers for every recipe, at its full size."""

import pytest

from configs import make_readme
from tests import forked_binaries
from tests import tiny_mmv_runs
from tfvssl.config import paper_rows
from tfvssl.config import recipes

_RECIPES = [
  *sorted(make_readme.FOLDER.glob("tiny_*.py")),
  *make_readme.recipes("brave"),
  *make_readme.recipes("mmv"),
]
_QUICK = "tiny_mmv"  # has every kind of view but flow


def test_every_file_of_the_list_is_described():
  text = make_readme.README.read_text(encoding="utf-8")
  for path in _RECIPES:
    assert path.relative_to(make_readme.FOLDER).as_posix() in text
  assert len(_RECIPES) == text.count(".py)") - 1  # that of mmv/common.py


def test_tiny_runs_write_the_first_and_the_last_views():
  for path in _RECIPES:
    if path.stem.startswith("tiny_"):
      experiment = recipes.load(path).get_config()
      assert experiment.logging.images_every > experiment.steps


@pytest.mark.parametrize(
  "path",
  [
    pytest.param(path, marks=[] if path.stem == _QUICK else pytest.mark.slow)
    for path in _RECIPES
  ],
  ids=lambda path: path.relative_to(make_readme.FOLDER).as_posix(),
)
def test_recipe_is_described(path, tmp_path):
  recipe = recipes.load(path)
  experiment = recipe.get_config()
  flags = []
  if "text" in getattr(experiment.method, "partners", {}):
    words = tiny_mmv_runs.vocabulary(tmp_path)
    flags = [f"--config.method.partners.text.view.vocabulary={words}"]
  done = forked_binaries.run(
    "tfvssl.train", "--describe", f"--config={path}", *flags
  )
  assert done.returncode == 0, done.stderr[-2000:]
  lines = done.stdout.splitlines()
  assert lines[0] == recipe.__doc__.partition("\n")[0]
  said = " ".join(done.stdout.split())
  clips = f"{experiment.steps:,} steps of {experiment.batch_size} clips"
  assert clips in said
  for row in paper_rows.rows_of(recipe):
    assert f'{row.table}, "{row.row}": ' in said
    for name, value in row.values.items():
      assert paper_rows.benchmark(name).printed(value) in said
  if flags:
    assert "word ids of the" in said and "text_backbone" in said
