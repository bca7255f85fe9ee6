"""The requirement files, and whether the environment that runs the tests has exactly what they ask for."""

import subprocess
import sys
from pathlib import Path
from typing import Dict

import pytest
from packaging.requirements import Requirement

from tests import stacks

ROOT = Path(__file__).resolve().parent.parent
STAMP = Path(stacks.stamp_of())


def wanted(*files: str, version: str) -> Dict[str, str]:
    """Package -> version for this version of Python."""
    lines = [line.split('#')[0].strip() for file in files + ('requirements-base.txt',)
             for line in (ROOT / file).read_text().splitlines()]
    pins = {}
    for requirement in (Requirement(line) for line in lines if line and line != '-r requirements-base.txt'):
        if requirement.marker is None or requirement.marker.evaluate({'python_version': version}):
            (pin,) = requirement.specifier
            assert pin.operator == '==' and '*' not in pin.version
            assert pins.setdefault(requirement.name.lower(), pin.version) == pin.version  # extras agree
    return pins


@pytest.mark.parametrize('version', ['3.7', '3.10', '3.11', '3.12', '3.13'])
def test_every_requirement_is_pinned_once_for_each_python(version):
    stack = 'requirements.txt' if version == '3.7' else 'requirements-tf2.txt'
    extras = sorted(path.name for path in ROOT.glob('requirements-*.txt') if path.name != 'requirements-tf2.txt')
    pins = wanted(stack, *extras, version=version)
    assert {'tensorflow', 'pytest', 'matplotlib', 'pillow', 'tqdm'} <= set(pins)


@pytest.mark.skipif(not STAMP.exists(), reason='this Python is not of an environment that setup_env.sh made')
def test_the_environment_has_what_its_stamp_says_and_nothing_else():
    frozen = subprocess.run([sys.executable, '-m', 'pip', 'freeze', '--all'], stdout=subprocess.PIPE, check=True,
                            universal_newlines=True).stdout.lower().split()
    stated = {line.split(';')[0].lower() for line in STAMP.read_text().splitlines()
              if '==' in line and (';' not in line or Requirement(line).marker.evaluate())}
    assert stated == set(frozen)
    version = '%d.%d' % sys.version_info[:2]
    stack = 'requirements.txt' if version == '3.7' else 'requirements-tf2.txt'
    asked = {'%s==%s' % pin for pin in wanted(stack, 'requirements-dev.txt', version=version).items()}
    assert asked <= stated
