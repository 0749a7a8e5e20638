"""The figures that the project accepts its handling of faults by."""

from tests.reliability import row

FIGURES = (
  row.Row(
    "1",
    "A folder of awkward videos is prepared",
    "every one is written or quarantined with its reason; no traceback",
    row.tests_of(
      "data_prep",
      torture="every_file_is_written_or_quarantined_with_its_reason"
      " no_name_is_run_by_a_shell_and_no_traceback"
      " no_temporary_file_is_left",
      shared_data="the_folder_itself",
    ),
  ),
  row.Row(
    "2",
    "A preparation is killed at random, and has one worker or two",
    "the same bytes, nothing else left, no clip lost",
    row.tests_of(
      "data_prep",
      interruption="kill_and_rerun_gives_the_same_bytes"
      " two_workers_and_another_folder_order_give_the_same_bytes"
      " own_temporary_files_are_removed_and_no_others"
      " killed_worker_loses_no_clip",
    ),
  ),
  row.Row(
    "3",
    "Bits are flipped in a shard, and it is cut at every length",
    "all found, with shard, record and offset",
    row.tests_of(
      "data/records", check="every_bit_flip_is_found every_truncation_is_found"
    ),
  ),
  row.Row(
    "4",
    "2,000 damaged inputs of nine kinds",
    "read, or refused with a documented code; no traceback, nothing hangs",
    row.tests_of("", fuzz="damaged_inputs_are_read_or_refused"),
  ),
  row.Row(
    "5",
    "Trainings are killed at random and go on",
    "the weights of an uninterrupted one, to the bit",
    row.tests_of(
      "train",
      run="kill_and_rerun_gives_the_weights_of_an_uninterrupted_run",
    )
    + row.tests_of(
      "methods",
      mmv_training="half_of_the_clips_have_no_captions"
      "_and_a_resume_changes_nothing",
    ),
  ),
  row.Row(
    "6",
    "One replica becomes two",
    "the same steps, to rounding",
    row.tests_of("train", trainer="one_replica_equals_two")
    + row.tests_of("methods", mmv_training="two_replicas_equal_one"),
  ),
  row.Row(
    "7",
    "SIGTERM in every phase",
    "exit code 42, and the command goes on",
    row.tests_of(
      "runtime", binary="sigterm_anywhere_ends_with_42_and_leaves_nothing"
    )
    + row.tests_of(
      "train",
      run="sigterm_saves_the_step_and_exits_42"
      " stop_is_heard_after_the_step_and_the_run_goes_on",
    ),
  ),
  row.Row(
    "8",
    "The newest checkpoint is damaged in eight ways, then all are",
    "the one before; with none left the run refuses to begin anew",
    row.tests_of(
      "train",
      checkpoint_store="damaged_newest_falls_back never_restarts_from_zero",
    ),
  ),
  row.Row(
    "9",
    "The disk is full at a shard, a checkpoint, a file of any command",
    "exit code 6 or 2 and one line; what was there before can be read",
    row.tests_of(
      "data_prep",
      interruption="full_disk_is_exit_6_and_the_rerun_is_clean",
    )
    + row.tests_of(
      "runtime",
      system_errors="full_disk_while_a_checkpoint_is_written"
      " place_that_cannot_be_written_is_one_line",
    ),
  ),
  row.Row(
    "10",
    "A loss becomes infinite",
    "the step is named, and weights that are saved are finite",
    row.tests_of(
      "train",
      run="infinite_loss_ends_with_the_step_and_exit_5",
      loop="nothing_that_is_not_finite_is_saved",
    ),
  ),
  row.Row(
    "11",
    "Two processes want one folder",
    "the second is refused; a dead one keeps nobody out",
    row.tests_of(
      "runtime",
      storage="lock_keeps_out_another_process_until_it_ends"
      " refused_holder_does_not_take_the_lock_away"
      " forked_worker_that_outlives_its_parent_does_not_hold_the_lock",
    ),
  ),
  row.Row(
    "12",
    "A run goes on with another config",
    "refused by the names that differ, unless they are allowed",
    row.tests_of(
      "train",
      run_folder="other_config_is_refused_by_name"
      " settings_of_evaluations_may_differ_when_a_run_goes_on",
    ),
  ),
  row.Row(
    "13",
    "Random requests to an export, and eight threads at once",
    "no wrong answer that is finite; the same answers",
    row.tests_of(
      "export",
      module="random_requests_never_get_a_finite_wrong_answer"
      " parallel_requests_get_the_same_answers"
      " reloaded_outputs_equal_in_process_ones",
    ),
  ),
  row.Row(
    "14",
    "Files that are meant to do harm: pickles, play lists, names, bombs,"
    " forged lengths, exports that write",
    "all refused; the file that they would make is never there",
    row.tests_of(
      "import_weights", restricted_pickle="a_call_is_refused_by_name"
    )
    + row.tests_of(
      "data/media", ffmpeg="playlist_that_calls_itself_a_film_opens_nothing"
    )
    + row.tests_of(
      "data_prep", torture="no_name_is_run_by_a_shell_and_no_traceback"
    )
    + row.tests_of("export", graph_check="what_does_more_than_compute_is_named")
    + row.tests_of(
      "data/records",
      reader="forged_length_of_any_record_never_reaches_tensorflow",
    ),
  ),
  row.Row(
    "15",
    "The guards are paid for",
    "at most 5 % of a step and of a preparation",
    (),
    "measured by hand, not by a test: see the figures of each release",
  ),
  row.Row(
    "16",
    "Mistakes on every command line",
    "one line that says what, where and what to do",
    row.tests_of("train", command="mistake_is_one_line")
    + row.tests_of("config", flag="mistake_is_answered_in_one_line")
    + row.tests_of("evaluate", command="mistakes_end_in_one_line")
    + row.tests_of("embed", command="mistakes_end_in_one_line")
    + row.tests_of("search", command="mistakes_end_in_one_line")
    + row.tests_of("export", command="mistakes_end_in_one_line")
    + row.tests_of("compare", command="mistake_is_answered_in_one_line")
    + row.tests_of("data_prep/prepare_records", command="bad_flags"),
  ),
)
