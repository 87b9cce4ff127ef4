"""What Linux says of the processor."""

import re
from pathlib import Path

INFORMATION = Path("/proc/cpuinfo")


def field(*names: str) -> str:
    """A field of the first core, under the first of these names that it has; "" without any."""
    text = INFORMATION.read_text(errors="replace") if INFORMATION.exists() else ""
    for name in names:
        if found := re.search(rf"^{name}\s*:(.*)$", text, re.MULTILINE):
            return found[1].strip()
    return ""
