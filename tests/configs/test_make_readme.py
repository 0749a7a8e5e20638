"""configs/README.md is made from the recipes and is as they are."""

import difflib

import pytest

from configs import make_readme

_HEAD = '''"""BraVe V-A: what it is.

Paper: Table 6, row "x|y"; Table 8,
  row "z".
Command (records with flow):
  python -m tfvssl.train
Expected: linear HMDB51 1.0.
Cost: much.
Reproduced here: no; never.
"""
class _Experiment:
  steps = 300_000
def get_config():
  return _Experiment
'''


def test_readme_is_current():
  written = make_readme.README.read_text(encoding="utf-8")
  expected = make_readme.readme_text()
  difference = "\n".join(
    difflib.unified_diff(
      written.splitlines(),
      expected.splitlines(),
      "configs/README.md",
      "expected; run: python -m configs.make_readme --write",
      lineterm="",
    )
  )
  assert written == expected, difference


def test_fields_of_a_head_lose_their_line_breaks():
  head = make_readme.read_head(_HEAD.split('"""')[1])
  assert head.title == "BraVe V-A: what it is."
  assert head.fields == {
    "Paper": 'Table 6, row "x|y"; Table 8, row "z".',
    "Command": "records with flow: python -m tfvssl.train",
    "Expected": "linear HMDB51 1.0.",
    "Cost": "much.",
    "Reproduced here": "no; never.",
  }


def test_row_of_a_recipe(tmp_path):
  (tmp_path / "brave").mkdir()
  (tmp_path / "brave" / "x.py").write_text(_HEAD)
  lines = make_readme.readme_text(tmp_path).splitlines()
  row = next(line for line in lines if "brave/x" in line)
  assert row == (
    '| Table 6, row "x/y"; Table 8, row "z". | [brave/x](brave/x.py)'
    " | V-A: what it is | linear HMDB51 1.0. | 300,000 | much. | no; never. |"
  )


def test_missing_field_is_named(tmp_path):
  (tmp_path / "brave").mkdir()
  (tmp_path / "brave" / "x.py").write_text(_HEAD.replace("Cost:", "Price:"))
  with pytest.raises(ValueError, match="head of x.py has no line `Cost:`"):
    make_readme.readme_text(tmp_path)


def test_other_flag_is_refused():
  with pytest.raises(ValueError, match="'--wirte' is not --write"):
    make_readme.main(["make_readme", "--wirte"])
