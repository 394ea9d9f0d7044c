from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("module", ["engine", "validation", "liquid", "answers", "conditions", "language", "texts"])
def test_the_pure_parts_know_no_django(module: str) -> None:
    """They run in a bare interpreter, and nothing of Django comes in with them."""
    code = f"import sys, flows.{module}; sys.exit(any(name.split('.')[0] == 'django' for name in sys.modules))"

    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False)

    assert done.returncode == 0
