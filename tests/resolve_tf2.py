"""Shows that the second stack can be installed on other machines: `python tests/resolve_tf2.py`, with a network.

For each machine and each Python, pip resolves requirements-tf2.txt and all extras for it, downloads no package and
installs nothing. The answer must be exactly the pinned packages, all of them wheels. Exits 1 if one is not.
"""

import concurrent.futures
import json
import os
import subprocess
import sys
import tempfile
from typing import Dict, List, Set

from pip._vendor.packaging.markers import Marker

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
FILES = ('requirements-tf2.txt', 'requirements-dev.txt', 'requirements-images.txt', 'requirements-plot.txt',
         'requirements-export.txt')
PYTHONS = ('3.10', '3.11', '3.12', '3.13')


def _manylinux(machine: str) -> List[str]:
    return ['manylinux_2_%d_%s' % (minor, machine) for minor in range(28, 4, -1)] + ['manylinux2014_' + machine]


# Machine -> the platform tags of its wheels, and what it changes in the environment of PEP 508's markers.
LINUX = {'sys_platform': 'linux', 'platform_system': 'Linux'}
MACHINES = {
    'Linux x86_64': (_manylinux('x86_64'), dict(LINUX, platform_machine='x86_64')),
    'Linux aarch64': (_manylinux('aarch64'), dict(LINUX, platform_machine='aarch64')),
    'macOS arm64': (['macosx_13_0_arm64'],
                    {'sys_platform': 'darwin', 'platform_system': 'Darwin', 'platform_machine': 'arm64'}),
}
# pip takes the wheels of --platform and --python-version, but evaluates markers for the Python that runs it.
PIP = '''
import json, sys
from pip._vendor.packaging import markers
environment = dict(markers.default_environment(), **json.loads(sys.argv.pop(1)))
markers.default_environment = lambda: dict(environment)
from pip._internal.cli.main import main
sys.exit(main())
'''


def resolve(machine: str, python: str) -> str:
    """'N packages', or what is wrong."""
    tags, environment = MACHINES[machine]
    environment = dict(environment, python_version=python, python_full_version=python + '.0')
    with tempfile.TemporaryDirectory() as directory:
        report = os.path.join(directory, 'report.json')
        command = [sys.executable, '-c', PIP, json.dumps(environment), 'install', '--quiet', '--dry-run',
                   '--report=' + report, '--target=' + directory, '--only-binary=:all:', '--python-version=' + python]
        command += ['--platform=' + tag for tag in tags] + ['-r' + os.path.join(ROOT, name) for name in FILES]
        ended = subprocess.run(command, stderr=subprocess.PIPE, universal_newlines=True)
        if ended.returncode:
            return next(line for line in ended.stderr.splitlines() if line.startswith('ERROR'))
        with open(report) as file:
            packages = [item['metadata'] for item in json.load(file)['install']]
    resolved = {_normal('%(name)s==%(version)s' % package) for package in packages}
    pinned = read_pins(environment)
    if resolved != pinned:
        return 'not pinned: %s; not asked for: %s' % (sorted(resolved - pinned), sorted(pinned - resolved))
    return '%d packages' % len(resolved)


def read_pins(environment: Dict[str, str]) -> Set[str]:
    """'name==version' of every line that is for this environment."""
    pins = set()
    for name in FILES + ('requirements-base.txt',):
        with open(os.path.join(ROOT, name)) as file:
            lines = [line.split('#')[0].strip() for line in file]
        for pin, _, marker in (line.partition(';') for line in lines if '==' in line):
            if not marker or Marker(marker).evaluate(environment):
                pins.add(_normal(pin))
    return pins


def _normal(pin: str) -> str:
    return pin.lower().replace('_', '-')


def main() -> int:
    cases = [(machine, python) for machine in MACHINES for python in PYTHONS]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda case: resolve(*case), cases))
    print('| machine       | Python | resolves to |\n|---------------|--------|-------------|')
    for (machine, python), answer in zip(cases, answers):
        print('| %-13s | %-6s | %-11s |' % (machine, python, answer))
    return 0 if all(answer.endswith(' packages') for answer in answers) else 1


if __name__ == '__main__':
    sys.exit(main())
