# What a run shows on the terminal; first of all, to show the errors of all that follows. No rule.
import sys
from pathlib import Path

sys.path.insert(0, str(Path(workflow.basedir, "scripts")))

from convstudy import terminal

terminal.take_over(workflow, config)
