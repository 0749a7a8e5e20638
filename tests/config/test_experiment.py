import json
import pathlib

import pytest

from tests import tiny_runs
from tfvssl import views
from tfvssl.config import experiment as config
from tfvssl.config import moved
from tfvssl.config import pictures
from tfvssl.config import sound
from tfvssl.config import stored_config
from tfvssl.config import tree as config_tree
from tfvssl.optim import adam
from tfvssl.optim import lars
from tfvssl.train import run_folder


def test_file_form_gives_the_same_experiment(tmp_path):
  experiment = tiny_runs.experiment("records", seed=3)
  run_folder.write_config(experiment, tmp_path)
  assert run_folder.read_config(tmp_path) == experiment


def test_file_of_a_run_from_before_a_field_has_its_default(tmp_path):
  tree = config_tree.to_tree(tiny_runs.experiment("records"))
  del tree["retrieval"], tree["data"]["second_train_records"]
  (tmp_path / "config.json").write_text(json.dumps(tree))
  found = run_folder.read_config(tmp_path)
  assert found == tiny_runs.experiment("records")
  assert found.retrieval.temporal_clips == 10  # MMV paper, appendix A.2
  assert found.retrieval.spatial_crops == 1
  assert found.retrieval.test_short_side == 224
  assert found.data.second_train_records == ""


def test_differences_name_the_values():
  other = tiny_runs.experiment("records")
  other.method.narrow.num_frames = 8
  other.runtime.precision = config.Precision.BFLOAT16
  assert config_tree.differences(tiny_runs.experiment("records"), other) == [
    "method.narrow.num_frames: 4 -> 8",
    "runtime.precision: float32 -> bfloat16",
  ]


def test_class_outside_the_package_is_not_constructed():
  with pytest.raises(ValueError, match="'os.system' is not one of this"):
    stored_config.from_tree({"class": "os.system", "command": "touch marker"})


def test_name_that_is_no_config_class_is_refused():
  with pytest.raises(ValueError, match="is not a config class"):
    stored_config.from_tree({"class": "tfvssl.config.save"})


def test_unknown_field_is_named():
  tree = config_tree.to_tree(config.Data())
  tree["train_record"] = "x"
  with pytest.raises(ValueError, match="has no field `train_record`"):
    stored_config.from_tree(tree)


def test_missing_file_names_the_remedy(tmp_path):
  with pytest.raises(FileNotFoundError, match="--workdir of tfvssl.train"):
    run_folder.read_config(tmp_path)


@pytest.mark.parametrize("text", ["[" * 100_000, '{"class":' * 100_000])
def test_deeply_nested_file_is_one_error(tmp_path, text):
  path = tmp_path / "config.json"
  path.write_text(text)
  with pytest.raises(ValueError, match="cannot be read as a config"):
    run_folder.read_config(tmp_path)


@pytest.mark.parametrize("text", ["", "[1]", '{"class": "tfvssl.x.Y"}', "{"])
def test_damaged_file_is_one_error(tmp_path, text):
  path = pathlib.Path(tmp_path / "config.json")
  path.write_text(text)
  with pytest.raises(ValueError, match="cannot be read as a config"):
    run_folder.read_config(tmp_path)


def test_file_of_a_section_holds_no_experiment(tmp_path):
  run_folder.write_config(config.Data(), tmp_path)
  with pytest.raises(ValueError, match="holds no experiment"):
    run_folder.read_config(tmp_path)


@pytest.mark.parametrize(
  ("section", "name", "value", "message"),
  [
    ("", "batch_size", 0, r"`experiment.batch_size` \(0\) must be above"),
    ("", "steps", -1, r"`experiment.steps` \(-1\) must be above 0"),
    ("schedule", "warmup_steps", 12, r"\(12\) .* below `steps` \(12\)"),
    ("svm", "grid_c", (), "must hold positive numbers only"),
    ("svm", "temporal_clips", 0, r"`svm.temporal_clips` \(0\)"),
    ("linear", "epochs", 0, r"`linear.epochs` \(0\) must be above 0"),
    (
      "linear",
      "warmup_epochs",
      100,
      r"`linear.warmup_epochs` \(100\) .* below `linear.epochs` \(100\)",
    ),
    ("finetune", "warmup_epochs", -1, r"`finetune.warmup_epochs` \(-1\)"),
    ("finetune", "learning_rates", (), "`finetune.learning_rates` .* positi"),
    ("finetune", "weight_decays", (-1.0,), "must hold numbers of at least 0"),
    ("finetune", "dropouts", (1.0,), r"must hold numbers in \[0, 1\)"),
    ("finetune", "validation_share", 1, r"validation_share` \(1\) must be"),
    ("finetune", "test_short_side", 0, r"`finetune.test_short_side` \(0\)"),
    ("finetune_sgd", "image_size", 0, r"`finetune_sgd.image_size` \(0\)"),
    ("pascal", "learning_rates", (0,), r"`pascal.learning_rates` \(\(0,\)\)"),
    ("pascal", "validation_share", 0, r"`pascal.validation_share` \(0\) must"),
    ("imagenet", "epochs", 0, r"`imagenet.epochs` \(0\) must be above 0"),
    ("mlp", "warmup_steps", -1, r"`mlp.warmup_steps` \(-1\) must be at lea"),
    ("mlp", "hidden_dim", 0, r"`mlp.hidden_dim` \(0\) must be above 0"),
    ("retrieval", "batch_size", 0, r"`retrieval.batch_size` \(0\) must be"),
    ("retrieval", "temporal_clips", 0, r"`retrieval.temporal_clips` \(0\)"),
    ("data", "shuffle_buffer", 0, r"`data.shuffle_buffer` \(0\)"),
    ("method", "broad", {}, "`method.broad` is empty"),
    ("method", "hidden_dim", 0, r"`method.hidden_dim` \(0\)"),
    ("logging", "heldout_every", -1, r"`logging.heldout_every` \(-1\)"),
    ("logging", "heldout_batches", 0, r"`logging.heldout_batches` \(0\)"),
  ],
)
def test_rule_value_and_remedy(section, name, value, message):
  experiment = tiny_runs.experiment()
  holder = getattr(experiment, section) if section else experiment
  setattr(holder, name, value)
  with pytest.raises(ValueError, match=message):
    experiment.validate()


def test_broad_view_may_not_take_the_narrow_ones_name():
  experiment = tiny_runs.experiment()
  experiment.method.broad["video"] = experiment.method.broad["audio"]
  with pytest.raises(ValueError, match="would hide the narrow encoder"):
    experiment.validate()


def test_broad_values_are_checked():
  experiment = tiny_runs.experiment()
  experiment.method.broad["audio"].num_views = 0
  with pytest.raises(ValueError, match=r"broad.audio.num_views` \(0\)"):
    experiment.validate()
  experiment = tiny_runs.experiment()
  experiment.method.narrow.frame_step = 0
  with pytest.raises(ValueError, match=r"`method.narrow.frame_step` \(0\)"):
    experiment.validate()


def _rgb(**changes):
  return views.RgbViewSpec(augmentation=pictures.RgbAugmentation(**changes))


@pytest.mark.parametrize(
  ("spec", "message"),
  [
    (_rgb(flip_probability=1.5), r"flip_probability` \(1.5\) must be betw"),
    (_rgb(hue_delta=-0.1), r"hue_delta` \(-0.1\) must be at least 0"),
    (_rgb(blur_sigma=(0.0, 0.0)), r"blur_sigma` .* between 0.01 and 100"),
    (_rgb(contrast=(1.4, 0.6)), r"contrast` \(\(1.4, 0.6\)\) must be a lo"),
    (_rgb(random_convolution_max_size=4), "max_size` .* odd and above 0"),
    (views.RgbViewSpec(image_size=0), r"x.image_size` \(0\) must be above"),
    (views.RgbViewSpec(crop=pictures.Crop(area=(0.0, 1.0))), "x.crop.area`"),
    (
      views.RgbViewSpec(crop=pictures.JitterCrop(scale=(1.2, 0.8))),
      "x.crop.scale` .* be a lower and an upper value",
    ),
    (
      views.RgbViewSpec(crop=pictures.JitterCrop(share=1.5)),
      r"x.crop.share` \(1.5\) must be in \(0, 1\]",
    ),
    (views.FlowViewSpec(image_size=200), r"short_side` \(128\) .* \(200\)"),
    (views.AudioViewSpec(seconds=0), r"x.seconds` \(0\) must be above 0"),
    (
      views.AudioViewSpec(spectrogram=sound.SpectrogramSpec(upper_hz=40_000)),
      "lower_hz and upper_hz` .* between 0 and 24000",
    ),
  ],
)
def test_views_are_checked(spec, message):
  with pytest.raises(ValueError, match=message):
    spec.validate("x")


def test_base_window_is_refused():
  with pytest.raises(TypeError, match="`x.crop` .* use Crop or JitterCrop"):
    views.RgbViewSpec(crop=pictures.Window()).validate("x")


def test_base_view_is_refused():
  with pytest.raises(TypeError, match="use one of the kinds of tfvssl.views"):
    views.ViewSpec().validate("x")


def test_paper_views_are_valid():
  for kind in (views.RgbViewSpec, views.FlowViewSpec, views.AudioViewSpec):
    kind().validate("x")


@pytest.mark.parametrize(
  ("optimizer", "message"),
  [
    (lars.LarsConfig(momentum=1.0), r"`optimizer.momentum` \(1.0\)"),
    (lars.LarsConfig(trust=0.0), r"`optimizer.trust` \(0.0\)"),
    (adam.AdamConfig(beta_1=1.0), r"`optimizer.beta_1` \(1.0\)"),
    (adam.AdamConfig(epsilon=0.0), r"`optimizer.epsilon` \(0.0\)"),
  ],
)
def test_optimisers_are_checked(optimizer, message):
  with pytest.raises(ValueError, match=message):
    tiny_runs.experiment(optimizer=optimizer).validate()


def test_field_that_became_an_entry_is_told():
  assert moved.nearest_name("predictor_multiplier", lars.LarsConfig()) == (
    "it is `rate_factors.predictor` since version 0.2.0."
  )
  assert moved.nearest_name("predictor_multiplier", {"a": 1}) == ("known: a.")


def test_nearest_name():
  spec = views.RgbViewSpec()
  assert moved.nearest_name("num_framez", spec) == (
    "did you mean `num_frames`?"
  )
  assert moved.nearest_name("zzz", {"audio": 1, "flow": 2}) == (
    "known: audio, flow."
  )
