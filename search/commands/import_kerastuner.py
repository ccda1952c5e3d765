"""`studyhall import`: what KerasTuner has found, brought into a study."""

from pathlib import Path

import click

from studyhall.search.commands.options import artifacts_option, epilog, storage_option


@click.command(
    epilog=epilog(
        "studyhall import my_dir/my_project",
        "studyhall import my_dir/my_project digits   # into a study that is there",
    )
)
@click.argument("folder", metavar="PROJECT_DIR", type=click.Path(path_type=Path))
@click.argument("study", metavar="[STUDY]", required=False)
@storage_option
@artifacts_option
def command(folder: Path, study: str | None, storage: str | None, artifacts: str | None) -> None:
    """Bring the trials of KerasTuner's PROJECT_DIR into STUDY, as finished trials.

    STUDY is a study of the storage, whose sampler then learns from them, or the name of a new one that holds
    nothing else; left out, it has the project's name. Trials that were imported before are not imported
    twice.
    """
    from studyhall.search.scoring.quiet import quiet_native_output
    from studyhall.search.tuner.kerastuner_folder import oracle_file
    from studyhall.studies.study_file.reference import resolve_study

    oracle_file(folder)  # before anybody waits for TensorFlow
    reference = resolve_study(study or folder.resolve().name, storage, artifacts)
    with quiet_native_output():  # of TensorFlow, which KerasTuner's classes bring
        from studyhall.search.actions.import_kerastuner import import_and_show

        import_and_show(folder, reference)
