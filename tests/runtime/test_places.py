"""An output is refused where it cannot appear or would overwrite."""

import pathlib

import pytest

from tfvssl.runtime import places


@pytest.mark.parametrize(
  ("make", "message"),
  [
    (lambda root: _file(root / "x" / "y").parent, "exists and is not empty"),
    (lambda root: _file(root / "x"), "exists and is not empty"),
    (lambda root: _file(root / "x") / "y", "x is a file; choose another"),
    (lambda root: pathlib.Path.cwd() / "..", "exists and is not empty"),
    (lambda root: _loop(root / "l") / "y", "cannot be made"),
  ],
)
def test_output_that_is_not_free_is_refused(tmp_path, make, message):
  with pytest.raises(ValueError, match=message):
    places.check_free(make(tmp_path))


def test_current_folder_is_refused_even_where_it_is_empty(
  tmp_path, monkeypatch
):
  monkeypatch.chdir(tmp_path)
  with pytest.raises(ValueError, match="is the current folder"):
    places.check_free(".")


def test_free_output_is_returned_without_links(tmp_path):
  (tmp_path / "real").mkdir()
  (tmp_path / "link").symlink_to("real")
  found = places.check_free(tmp_path / "link" / "new")
  assert found == tmp_path / "real" / "new"


def _file(path):
  path.parent.mkdir(parents=True, exist_ok=True)
  path.write_text("")
  return path


def _loop(path):
  path.symlink_to(path.name)
  return path
