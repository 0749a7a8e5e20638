"""Faults of trainings and evaluations."""

from tests.reliability import row

TRAINING = (
  row.Row(
    "D1",
    "A training killed at any step and started again",
    "the weights of an uninterrupted one, to the bit",
    row.tests_of(
      "train",
      run="kill_and_rerun_gives_the_weights_of_an_uninterrupted_run",
    ),
  ),
  row.Row(
    "D2",
    "A kill while a checkpoint is written",
    "the one before is whole; what is half written goes",
    row.tests_of(
      "train",
      checkpoint_store="unfinished_checkpoint_of_a_dead_run_is_removed",
    )
    + row.tests_of(
      "runtime", storage="killed_process_leaves_only_what_is_removed_later"
    ),
  ),
  row.Row(
    "D3",
    "SIGTERM in a training, an evaluation, a deflation, the demo, any command",
    "saved, exit code 42, and it goes on; a second one ends it at once",
    row.tests_of(
      "train",
      run="sigterm_saves_the_step_and_exits_42"
      " stop_is_heard_after_the_step_and_the_run_goes_on",
      stop_request="second_signal_ends_the_process_at_once",
    )
    + row.tests_of(
      "evaluate", command="grid_that_is_stopped_goes_on_to_the_same_result"
    )
    + row.tests_of(
      "deflate",
      command="deflation_that_is_stopped_goes_on_to_the_same_network",
    )
    + row.tests_of("demo", stages="sigterm_is_handed_on_to_the_stage_that_runs")
    + row.tests_of(
      "runtime", binary="sigterm_anywhere_ends_with_42_and_leaves_nothing"
    ),
  ),
  row.Row(
    "D4",
    "A full disk while a checkpoint is written",
    "exit code 6 at once; the checkpoint before is whole",
    row.tests_of(
      "runtime", system_errors="full_disk_while_a_checkpoint_is_written"
    ),
  ),
  row.Row(
    "D5",
    "The newest checkpoint cut, flipped, emptied or gone",
    "the one before, said; never a start from zero",
    row.tests_of(
      "train",
      checkpoint_store="damaged_newest_falls_back never_restarts_from_zero",
      metrics_log="lost_checkpoints_are_noticed",
    ),
  ),
  row.Row(
    "D6",
    "The order of synchronising and renaming",
    "all is on the disk before it has its name",
    row.tests_of(
      "runtime", storage="all_is_on_the_disk_before_it_has_its_name"
    ),
  ),
  row.Row(
    "D7",
    "A loss or gradient that is not finite",
    "its update is dropped, nothing of it is saved; step and exit code 5",
    row.tests_of(
      "train",
      trainer="gradient_that_is_not_finite_is_dropped_and_its_step_named",
      loop="nothing_that_is_not_finite_is_saved",
      run="infinite_loss_ends_with_the_step_and_exit_5"
      " what_an_infinite_loss_advises_goes_on",
      not_finite="clip_with_values_that_are_not_finite_is_named"
      " clip_that_does_it_alone_is_named_with_its_batch"
      " weights_that_are_too_large_blame_no_clip",
    ),
  ),
  row.Row(
    "D8",
    "Embeddings that become one",
    "said on the console, in TensorBoard and at the end",
    row.tests_of(
      "train",
      health="it_is_said_once_when_it_begins_and_once_when_it_ends"
      " what_losses_measure_of_equal_embeddings_is_a_collapse",
      run="run_on_silent_clips_says_that_it_collapsed",
    ),
  ),
  row.Row(
    "D9",
    "A run that goes on with another config, or another model's checkpoint",
    "refused by the names that differ; config.json stays",
    row.tests_of(
      "train",
      run_folder="other_config_is_refused_by_name"
      " change_of_many_values_lists_each",
      checkpoint_store="checkpoint_of_another_model_is_refused",
      run="config_changes_only_when_the_checkpoint_fits",
    ),
  ),
  row.Row(
    "D10",
    "Two trainings in one folder",
    "the second ends with 2",
    row.tests_of("train", run_folder="second_run_in_one_folder_is_refused"),
  ),
  row.Row(
    "D11",
    "One replica and two, a batch in parts",
    "the same loss and weights, to rounding",
    row.tests_of(
      "train",
      trainer="one_replica_equals_two parts_on_two_replicas_equal_the_whole",
      input="batch_must_divide",
    ),
  ),
  row.Row(
    "D12",
    "Slots of the optimisers on several replicas",
    "made in the strategy's scope, before the step is compiled",
    row.tests_of(
      "optim",
      lars="slots_exist_after_build",
      parts="slots_are_made_at_once",
      replicas="same_loss_variables_and_moving_statistics",
    ),
  ),
  row.Row(
    "D13",
    "A replica's copy of a weight that differs, on one host and on two",
    "exit code 5 with the weight, and nothing is saved",
    row.tests_of(
      "train",
      replica_check="replica_that_differs_is_named_and_nothing_is_saved"
      " worker_that_differs_is_told_on_both",
    ),
  ),
  row.Row(
    "D14",
    "Two runs with one seed; a step compiled by XLA",
    "the same numbers, to the bit; by XLA the same draws",
    row.tests_of(
      "train",
      run="kill_and_rerun_gives_the_weights_of_an_uninterrupted_run",
      trainer="whole_step_compiles_with_xla",
    )
    + row.tests_of("runtime", randomness="xla_draws_the_same"),
    "other numbers of threads give other last digits",
  ),
  row.Row(
    "D15",
    "A checkpoint that its run removes while another process reads it",
    "the next one is read",
    row.tests_of(
      "train",
      checkpoint_store="checkpoint_that_goes_while_it_is_verified_gives_way"
      " checkpoint_that_goes_while_it_is_read_gives_way",
    ),
  ),
  row.Row(
    "D16",
    "A run that ends between its checkpoint and its held-out loss",
    "the checkpoint was saved first; the loss is measured when it goes on",
    row.tests_of(
      "train",
      run="stop_in_a_measurement_does_not_wait_for_its_end",
      held_out="measurement_is_stopped_between_two_batches",
    ),
  ),
)

EVALUATION = (
  row.Row(
    "E1",
    "A class without a test clip",
    "keeps its column",
    row.tests_of(
      "evaluate/classifiers",
      linear_svm="class_without_test_clips_keeps_its_column",
    ),
  ),
  row.Row(
    "E2",
    "A single class, labels that cannot be evaluated",
    "refused with the reason",
    row.tests_of(
      "evaluate/samples",
      splits="labels_that_cannot_be_evaluated_are_refused",
    ),
  ),
  row.Row(
    "E3",
    "Test labels that no training clip has",
    "left out by name and counted",
    row.tests_of(
      "evaluate/samples",
      splits="unlabelled_clips_and_unseen_classes_are_left_out_by_name",
    )
    + row.tests_of(
      "evaluate/protocols",
      svm="unlabelled_clips_and_untrained_classes_are_left_out",
    ),
  ),
  row.Row(
    "E4",
    "Features and scores that are not finite",
    "refused with the clips' names",
    row.tests_of(
      "evaluate/classifiers",
      linear_svm="features_that_are_not_finite_name_their_clips",
      trained="scores_that_are_not_finite_are_no_accuracy",
    ),
  ),
  row.Row(
    "E5",
    "A class without a positive clip",
    "left out of the mean",
    row.tests_of(
      "evaluate/classifiers",
      average_precision="equals_scikit_learn_over_classes_with_a_positive"
      " no_positive_clip_at_all_is_an_error",
    ),
  ),
  row.Row(
    "E6",
    "Fewer frames than a view, an empty test",
    "refused; never a mean over fewer views",
    row.tests_of("evaluate/protocols", base="frames_must_hold_the_view")
    + row.tests_of("data/records", reader="no_usable_clip_is_an_error"),
  ),
  row.Row(
    "E7",
    "A run without checkpoint, weights of another model",
    "refused; a random network stands beside every figure",
    row.tests_of(
      "train", weights="load_method_without_checkpoint_names_the_remedy"
    )
    + row.tests_of(
      "train", checkpoint_store="checkpoint_of_another_model_is_refused"
    )
    + row.tests_of(
      "evaluate/protocols", svm="random_networks_follow_the_same_protocol"
    ),
  ),
  row.Row(
    "E8",
    "Test clips that are training clips, by path or by content",
    "refused by name",
    row.tests_of(
      "evaluate/samples",
      clips="equal_content_under_another_name_is_leakage"
      " other_parts_of_a_training_file_are_leakage separate_files_pass",
    )
    + row.tests_of(
      "evaluate/protocols", svm="testing_on_training_clips_is_refused"
    ),
  ),
)
