"""A machine that seems to have GPUs: an nvidia-smi that lists them, and an installed cuDNN."""

from pathlib import Path

MODEL = "NVIDIA Test 9000"
ROW = "{number}, GPU-{letters}, {model}\n"


def put(folder: Path, models: tuple[str, ...] = (MODEL, MODEL)) -> dict[str, str]:
    """Put them into a folder; what PATH and PYTHONPATH must begin with."""
    rows = "".join(
        ROW.format(number=number, letters=4 * "abcdef"[number], model=model)
        for number, model in enumerate(models)
    )
    program(folder, f"cat <<'END'\n{rows}END\n")
    installed = folder / "site/nvidia_cudnn_cu12-9.9.dist-info/METADATA"
    installed.parent.mkdir(parents=True)
    installed.write_text("Metadata-Version: 2.1\nName: nvidia-cudnn-cu12\nVersion: 9.9\n")
    return {"PATH": str(folder / "bin"), "PYTHONPATH": str(folder / "site")}


def program(folder: Path, does: str) -> None:
    """Put an nvidia-smi there that does this."""
    path = folder / "bin/nvidia-smi"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{does}")
    path.chmod(0o755)
