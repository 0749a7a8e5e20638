"""MMV's recipes say what its paper says, and say it once."""

import collections
import dataclasses
import re

from absl import flags as absl_flags
from ml_collections import config_flags
import pytest

from configs import make_readme
from configs.mmv import common
from tfvssl import views
from tfvssl.backbones import s3d
from tfvssl.backbones import tsm_resnet
from tfvssl.config import experiment as config
from tfvssl.config import flag as config_flag
from tfvssl.config import paper_rows
from tfvssl.config import pictures
from tfvssl.config import protocols
from tfvssl.config import recipes
from tfvssl.config import stored_config
from tfvssl.config import tree
from tfvssl.config import waveform_view
from tfvssl.methods.parts import contrastive
from tfvssl.methods.parts.embedding_graph import Graph
from tfvssl.methods.parts.embedding_graph import Head
from tfvssl.optim import adam
from tfvssl.train import describe

_RECIPES = {
  path.stem: recipes.load(path) for path in make_readme.recipes("mmv")
}
_NAMES = list(_RECIPES)
_FINAL = [name for name in _NAMES if "16" not in name]
_WORDS = ("<pad>", "<bos>", "<eos>", "<unk>")


def _rows():
  return [row for recipe in _RECIPES.values() for row in recipe.PAPER]


def _experiment(name):
  return _RECIPES[name].get_config()


@pytest.mark.parametrize("name", _NAMES)
def test_recipe_is_valid_once_it_has_a_vocabulary(name):
  experiment = _experiment(name)
  if "text" in experiment.method.partners:
    with pytest.raises(ValueError, match="`method.partners.text.view.vocabu"):
      experiment.validate()
    experiment.method.partners["text"].view.vocabulary = "WORDS.txt"
  experiment.validate()
  assert stored_config.from_tree(tree.to_tree(experiment)) == experiment


def test_no_two_recipes_are_one_run():
  seen = collections.defaultdict(list)
  for name in _NAMES:
    records = name.split("_")[1:3]
    key = str(tree.to_tree(_experiment(name))) + str(
      [word for word in records if word in ("howto100m", "audioset")]
    )
    seen[key].append(name)
  assert [names for names in seen.values() if len(names) > 1] == []


@pytest.mark.parametrize("name", _NAMES)
def test_head_tells_what_the_recipe_says(name):
  recipe = _RECIPES[name]
  experiment = recipe.get_config()
  fields = make_readme.read_head(recipe.__doc__).fields
  per_cent, ranks = set(), set()
  for row in recipe.PAPER:
    assert row.table in fields["Paper"] and f'"{row.row}"' in fields["Paper"]
    for benchmark, value in row.values.items():
      is_rank = paper_rows.benchmark(benchmark).is_rank
      (ranks if is_rank else per_cent).add(value)
  numbers = re.findall(r"(?<![\d.])\d+\.\d(?!\d)", fields["Expected"])
  assert set(map(float, numbers)) == per_cent
  assert set(map(float, re.findall(r" (\d+)[,;]", fields["Expected"]))) == ranks
  steps, batch = experiment.steps // 1000, experiment.batch_size
  assert fields["Cost"].startswith(f"{steps}k steps of {batch} clips")
  assert fields["Reproduced here"].startswith("no;")


@pytest.mark.parametrize("name", _NAMES)
def test_command_names_what_the_recipe_leaves_empty(name):
  command = make_readme.read_head(_RECIPES[name].__doc__).fields["Command"]
  assert f"--config=configs/mmv/{name}.py" in command
  has_text = "text" in _experiment(name).method.partners
  for flag in ("view.vocabulary=", "backbone.table="):
    assert (f"--config.method.partners.text.{flag}" in command) == has_text
  first = "AUDIOSET" if name == "va_audioset" else "HOWTO100M"
  assert f"--config.data.train_records={first} " in command
  is_mixed = "howto100m_audioset" in name
  second = "--config.data.second_train_records=AUDIOSET "
  assert (second in command) == is_mixed


def test_flags_of_the_command_reach_into_the_partners(tmp_path):
  path = make_readme.FOLDER / "mmv" / "vat_howto100m_audioset.py"
  partner = "--config.method.partners.text"
  line = [
    "train",
    f"--config={path}",
    f"{partner}.view.vocabulary={tmp_path / 'words.txt'}",
    f"{partner}.view.stop_words=stop.txt",
    f"{partner}.backbone.table=word2vec.npy",
    "--config.method.partners.audio.weight=2",
  ]
  values = absl_flags.FlagValues()
  holder = config_flags.DEFINE_config_file(
    "config", flag_values=values, sys_argv=line
  )
  values["config"].parser = config_flag._Parser()
  values(line)
  partners = holder.value.method.partners
  assert partners["text"].view.vocabulary == str(tmp_path / "words.txt")
  assert partners["text"].view.stop_words == "stop.txt"
  assert partners["text"].backbone.table == "word2vec.npy"
  assert partners["audio"].weight == 2.0


@pytest.mark.parametrize("name", _NAMES)
def test_optimisation_is_that_of_appendix_a(name):
  experiment = _experiment(name)
  assert experiment.optimizer == adam.AdamConfig(
    beta_1=0.9, beta_2=0.999, epsilon=1e-8, rate_factors={"predictor": 1.0}
  )
  assert experiment.schedule == config.Schedule(peak=0.002, warmup_steps=5000)
  assert experiment.steps == 500_000
  batch = 512 if name not in _FINAL else 4096
  if name.endswith("audioset_tsm50x2"):
    batch = 2048
  assert experiment.batch_size == batch
  assert experiment.method.temperature == 0.07


@pytest.mark.parametrize("name", _NAMES)
def test_pictures_and_sound_last_equally_long(name):
  method = _experiment(name).method
  frames = 32 if name in _FINAL else 16
  assert method.video.num_frames == frames
  # "at 10 fps and 200 x 200 crops are used (... the minimum side is 224)"
  assert views.FRAME_RATE_HZ / method.video.frame_step == 10
  assert method.video.image_size == 200
  assert method.video.crop.share == 200 / 224
  if "audio" in method.partners:
    sound = method.partners["audio"].view
    assert sound.seconds == frames / 10
    assert sound.spectrogram.num_mels == 80
    assert sound.num_samples == frames * 4800
  if "text" in method.partners:
    assert method.partners["text"].view.max_words == 16
    assert method.partners["text"].backbone.output_dim == 2048


def test_rows_tell_how_the_paper_evaluates():
  for row in _rows():
    is_ablation = row.table in ("Table 1", "Table 6", "Table 7", "Table 8") or (
      row.table == "Table 9"
    )
    assert row.paper == common.MMV
    assert row.test_frames == (16 if is_ablation else 32)
    assert row.first_split == is_ablation
    assert row.test_seconds == (2.0 if row.table == "Table 2" else None)
  for name in _NAMES:
    assert _experiment(name).svm == protocols.Svm(
      temporal_clips=10, spatial_crops=1, test_short_side=224, train_epochs=10
    )
  # The published choices of C.
  assert {1e-4, 3e-4, 1e-3} <= set(protocols.Svm().grid_c)


@pytest.mark.parametrize("name", _NAMES)
def test_only_table_9_and_the_final_runs_change_the_sound(name):
  partners = _experiment(name).method.partners
  if "audio" not in partners:
    return
  heard = partners["audio"].view
  kind = name.partition("howto100m_")[2]
  has_noise = name in _FINAL or kind == "noise"
  assert heard.noise == (0.01 if has_noise else 0.0)
  assert heard.temporal_jitter_s == (0.8 if kind == "temporal_jitter" else 0.0)
  # GDT's main_gdt.py: [1, 1, 2, 5] and [2, 2, 3, 6], upper ends left out.
  masks = {
    "spec_augment_weak": waveform_view.SpecAugment(1, 4, 1, 1),
    "spec_augment_strong": waveform_view.SpecAugment(2, 5, 2, 2),
  }
  assert heard.spec_augment == masks.get(kind, waveform_view.SpecAugment())


def test_video_augmentation_is_that_of_appendix_a_or_none():
  standard = pictures.RgbAugmentation(
    flip_probability=0.5,
    colour_probability=1.0,
    brightness_delta=32 / 255,
    saturation=(0.6, 1.4),
    contrast=(0.6, 1.4),
    hue_delta=0.2,
    greyscale_probability=0.0,
    blur_probability=0.0,
  )
  nothing = dataclasses.replace(
    standard, flip_probability=0.0, colour_probability=0.0
  )
  for name in _NAMES:
    video = _experiment(name).method.video
    is_plain = name == "va16_howto100m_no_augmentation"
    assert video.augmentation == (nothing if is_plain else standard)
    assert video.crop.scale == ((1.0, 1.0) if is_plain else (0.8, 1.2))


@pytest.mark.parametrize(
  ("name", "graph", "text_weight"),
  [
    ("vat16_howto100m", Graph.FINE_AND_COARSE, 10.0),
    ("vat16_howto100m_audioset", Graph.FINE_AND_COARSE, 1.0),
    ("vat16_howto100m_audioset_shared", Graph.SHARED, 1.0),
    ("vat16_howto100m_audioset_disjoint", Graph.DISJOINT, 1.0),
    ("vat_howto100m_audioset", Graph.FINE_AND_COARSE, 1.0),
    ("vat_howto100m_audioset_tsm50", Graph.FINE_AND_COARSE, 1.0),
    ("vat_howto100m_audioset_tsm50x2", Graph.FINE_AND_COARSE, 1.0),
  ],
)
def test_three_modalities_are_merged_and_weighted_as_in_section_4(
  name, graph, text_weight
):
  method = _experiment(name).method
  assert method.graph == graph
  assert (method.fine_dim, method.coarse_dim) == (512, 256)
  weights = {key: partner.weight for key, partner in method.partners.items()}
  assert weights == {"audio": 1.0, "text": text_weight}
  assert method.video_head == Head.NON_LINEAR


def test_two_modalities_share_one_space_of_512():
  for name in _NAMES:
    method = _experiment(name).method
    if len(method.partners) == 1:
      (partner,) = method.partners.values()
      assert (method.graph, method.fine_dim) == (Graph.SHARED, 512)
      assert partner.weight == 1.0
      assert "text" in method.partners or name.startswith("va")


def test_heads_are_those_of_table_8_and_of_the_captions():
  for name in _NAMES:
    method = _experiment(name).method
    non_linear = [name in _FINAL, name.startswith("vat"), "non_linear" in name]
    video = Head.NON_LINEAR if any(non_linear) else Head.LINEAR
    assert method.video_head == video, name
    other = Head.NON_LINEAR if name.endswith("_both") else Head.LINEAR
    assert {partner.head for partner in method.partners.values()} == {other}


def test_logistic_loss_is_that_of_table_7_alone():
  for name in _NAMES:
    forms = {p.loss for p in _experiment(name).method.partners.values()}
    is_logistic = name == "va16_howto100m_logistic"
    form = contrastive.Form.LOGISTIC if is_logistic else contrastive.Form.PAPER
    assert forms == {form}


def test_video_networks_are_those_of_the_names():
  kinds = {
    "tsm50": tsm_resnet.TSMResNetConfig(),
    "tsm50x2": tsm_resnet.TSMResNetConfig(width=2.0),
  }
  for name in _NAMES:
    backbone = _experiment(name).method.video_backbone
    assert backbone == kinds.get(name.rpartition("_")[2], s3d.S3DConfig())


def _full_size(name, folder):
  """Returns the costs of a recipe's networks by name."""
  method = _experiment(name).method
  if "text" in method.partners:
    path = folder / "words.txt"
    path.write_text("\n".join(_WORDS) + "\n", encoding="utf-8")
    method.partners["text"].view.vocabulary = str(path)
  return {cost.name: cost for cost in describe.network_costs(method.build())}


@pytest.mark.slow
@pytest.mark.parametrize(
  ("name", "dim", "parameters"),
  [
    ("vat_howto100m_audioset", 1024, 9_146_000),
    ("vat_howto100m_audioset_tsm50", 2048, 23_500_352),
    ("vat_howto100m_audioset_tsm50x2", 4096, 93_891_712),
  ],
)
def test_network_of_full_size_has_the_papers_parameters(
  name, dim, parameters, tmp_path
):
  costs = _full_size(name, tmp_path)
  found = {key: cost.parameters for key, cost in costs.items()}
  # Linear with bias, batch norm, linear without, batch norm; then 512 to 256.
  head = (dim * 512 + 512) + 1024 + 512 * 512 + 1024
  assert found == {
    "video_backbone": parameters,
    "audio_backbone": 23_494_080,
    "text_backbone": 300 * 2048 + 2048,  # the words themselves are frozen
    "video_va_head": head,
    "audio_head": 2048 * 512 + 512,
    "text_head": 2048 * 256 + 256,
    "fine_to_coarse": 512 * 256 + 256 + 512,
  }
  printed = _RECIPES[name].PAPER[0].parameters
  assert f"{found['video_backbone'] / 1e6:.1f}M" == printed
  assert all(cost.operations > 0 for cost in costs.values())


@pytest.mark.slow
@pytest.mark.parametrize(
  ("name", "heads"),
  [
    ("va16_howto100m", {"video_va_head", "audio_head"}),
    ("vt16_howto100m_non_linear_both", {"video_vt_head", "text_head"}),
    (
      "vat16_howto100m_audioset_disjoint",
      {"video_va_head", "video_vt_head", "audio_head", "text_head"},
    ),
  ],
)
def test_graph_of_full_size_has_its_heads(name, heads, tmp_path):
  found = _full_size(name, tmp_path)
  assert {key for key in found if key.endswith("_head")} == heads


@pytest.mark.parametrize("name", [*_NAMES, "tiny_mmv"])
def test_retrieval_shows_as_much_of_a_frame_as_training(name):
  """A crop of a short side that was made for other sizes shows a corner."""
  recipe = _RECIPES.get(name) or recipes.load(make_readme.FOLDER / f"{name}.py")
  experiment = recipe.get_config()
  seen = experiment.method.video
  share = seen.image_size / experiment.retrieval.test_short_side
  # Without augmentation (paper Table 9) the crop is that of the test.
  trained = getattr(seen.crop, "share", share)
  assert share == pytest.approx(trained, abs=0.03)
  assert share > 0.8
