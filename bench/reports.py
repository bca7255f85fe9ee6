"""Reports as files."""

import json
from typing import Any, Dict

from lenet.support import files


def write_json(report: Dict[str, Any], path: str) -> None:
    """Raises:
      UserError: `path` cannot be written.
    """
    with files.replacing(path) as stream:
        json.dump(report, stream, indent=1, allow_nan=False)
        stream.write('\n')
