"""Classify image files with a trained network."""

import sys
from pathlib import Path

import click

from convstudy.commands import _tensorflow
from convstudy.foundation import atomic_files


@click.command()
@click.argument("network", type=click.Path(path_type=Path))
@click.argument("images", type=click.Path(path_type=Path))
@click.argument("output", type=click.Path(path_type=Path))
@click.option("--top", default=5, show_default=True, type=click.IntRange(1), help="Classes a row.")
@click.option("--skip-unreadable", is_flag=True, help="List images that cannot be read, and go on.")
@click.option("--force", is_flag=True, help="Replace OUTPUT if it is there already.")
def command(
    network: Path, images: Path, output: Path, top: int, skip_unreadable: bool, force: bool
) -> None:
    """Write the most probable classes of IMAGES, a file or a folder, to the CSV file OUTPUT.

    NETWORK is the folder of a finished run or a file that ./convstudy export wrote. Images beneath
    a folder are found by their ending, at any depth, and are read and resized as in training.
    Columns: image, class_1, probability_1, class_2, ...
    """
    atomic_files.check_new(output, force)
    from convstudy.export import prediction
    from convstudy.export.finished_run import FinishedRun

    found, others = prediction.find_images(images)
    if others:
        click.echo(f"{images}: left out {len(others)} other files, as {others[0]!r}", err=True)
    run = FinishedRun(network) if network.is_dir() else None
    with _tensorflow.quiet_start():  # after the checks that need no TensorFlow
        from convstudy.export import exported_network

    use = exported_network.of_run(run) if run else exported_network.load(network)
    skipped: list[str] | None = [] if skip_unreadable else None
    with click.progressbar(found, label="Classifying", file=sys.stderr) as shown:
        count = prediction.classify(use, shown, output, top, skipped)
    for message in skipped or ():
        click.echo(f"skipped: {message}", err=True)
    click.echo(f"{output}: {count} images, {len(skipped or ())} skipped")
