"""Write a trained network as one file that needs nothing but Keras."""

from pathlib import Path

import click

from convstudy.commands import _tensorflow
from convstudy.foundation import atomic_files
from convstudy.foundation.errors import UserError


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.argument("output", type=click.Path(path_type=Path))
@click.option("--force", is_flag=True, help="Replace OUTPUT if it is there already.")
def command(run: Path, output: Path, force: bool) -> None:
    """Write the network of RUN as one .keras file that takes pixels 0-255.

    RUN is the folder of a finished run, as results/runs/demo_objects/improved_net/seed0. The
    preprocessing with its statistics and the backbone are layers of the file. Its member
    convstudy.json (a .keras file is a zip archive) has the class names and what made the network.
    """
    if output.suffix != ".keras":
        raise UserError(f"{output}: expected a file name that ends in .keras")
    atomic_files.check_new(output, force)
    from convstudy.export.finished_run import FinishedRun

    finished = FinishedRun(run)
    with _tensorflow.quiet_start():  # after the checks that need no TensorFlow
        from convstudy.export import exported_network

    network = exported_network.of_run(finished)
    exported_network.save(network, output)
    about = network.about
    shape = ", ".join(map(str, ("n", *network.model.input_shape[1:])))
    click.echo(
        f"{output}: {about['variant']} on {about['dataset']}, seed {about['seed']}; "
        f"{len(about['class_names'])} classes, takes pixels ({shape}); "
        f"{output.stat().st_size / 1e6:.1f} MB"
    )
