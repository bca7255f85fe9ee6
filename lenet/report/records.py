"""Reads what a run left in its directory; what an interrupted run lacks is empty."""

import os
from typing import Any, Dict, List, NamedTuple, Optional

import numpy as np

from lenet.data import dataset
from lenet.data.splits import Split
from lenet.errors import UserError
from lenet.export import trained
from lenet.export.trained import Trained
from lenet.run import checkpoint
from lenet.run import metrics
from lenet.run import results
from lenet.run import run_directory
from lenet.support import files

_ADVICE = 'name the --output_dir of a run'


class Run(NamedTuple):
    """The records of one run."""

    directory: str
    results: Dict[str, Any]  # of results.json, {} where the run did not come to its end
    records: List[Dict[str, Any]]  # of metrics.jsonl
    network: Optional[Trained]  # of the newest checkpoint, None where there is none
    test: Optional[Split]  # the images that `results` speaks of, None where they are no longer to be had
    missing: List[str]  # a sentence for each thing that could not be read


def read(directory: str, test: Optional[Split] = None) -> Run:
    """
    Args:
      test: the test images where the caller has them; otherwise they are read again.

    Raises:
      UserError: the directory holds no run, or its records are damaged.
    """
    if not os.path.isdir(directory):
        raise UserError('%s: there is no such directory; name the --output_dir of a run' % directory)
    found = _read_results(directory)
    records = metrics.read_records(directory)
    if found is None and not records:
        raise UserError('%s: holds neither results.json nor metrics.jsonl; name the --output_dir of a run' % directory)
    missing: List[str] = []
    network = _read_network(directory, missing)
    if found and test is None:
        test = _read_test(found, missing)
    return Run(directory, found or {}, records, network, test, missing)


def _read_results(directory: str) -> Optional[Dict[str, Any]]:
    path = os.path.join(directory, results.FILE)
    if not os.path.lexists(path):
        return None
    found = files.read_json(path, run_directory.LARGEST, _ADVICE)
    if not isinstance(found, dict):
        raise UserError('%s: is no object; %s' % (path, _ADVICE))
    return found


def _read_network(directory: str, missing: List[str]) -> Optional[Trained]:
    try:
        if checkpoint.find_all(directory):
            return trained.load(None, directory)
        missing.append('There is no checkpoint, so the page cannot answer.')
    except UserError as error:
        missing.append('The page cannot answer: %s.' % error)
    return None


def _read_test(found: Dict[str, Any], missing: List[str]) -> Optional[Split]:
    try:
        return _reopen(found).test
    except (UserError, KeyError, TypeError) as error:
        missing.append('The test images are not shown: %s.' % error)
    return None


def _reopen(found: Dict[str, Any]) -> dataset.Dataset:
    data, params = found['data'], found['flags']
    path = dataset.SYNTHETIC if data['synthetic'] else data['source']
    return dataset.open_dataset(path, params['seed'], params['num_classes'],
                                label_offset=data.get('label_offset'), transpose_images=data.get('transposed'))


def fits(split: Split, examples: List[Dict[str, Any]]) -> bool:
    """Whether these are still the images that the examples of results.json speak of."""
    indices = np.array([example['index'] for example in examples], np.int64)
    labels = np.array([example['label'] for example in examples], np.int64)
    return bool((indices < len(split.labels)).all() and (split.labels[indices] == labels).all())
