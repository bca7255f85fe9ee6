"""The launcher's command line: its own options first, then what every rank is given."""

import importlib.util
import re
from typing import List, NamedTuple, Optional

from absl import flags

from lenet.errors import UsageError
from lenet.launcher import closed_network
from lenet.support import flag_parsing

MAX_RANKS = 256  # processes of one machine, about 300 MB each
_VALUED = ('-n', '-m')
_USAGE = './run_np.sh -n 2 --steps=1000'


class Options(NamedTuple):
    """What was asked for."""

    help: bool
    ranks: Optional[int]  # None: not said
    module: str
    open_ports: bool
    arguments: List[str]  # of the module


class Target(NamedTuple):
    """The flags of the module that the launcher itself looks at."""

    platform: Optional[str]  # None: not given
    output_dir: str
    rank_timeout: float  # seconds
    data_path: Optional[str]


def parse(arguments: List[str]) -> Options:
    """Raises:
      UsageError: a wrong or missing value, or an option after the module's flags.
    """
    options = Options(False, None, 'lenet.train', False, list(arguments))
    while options.arguments:
        name, rest = options.arguments[0], options.arguments[1:]
        if name in ('-h', '--help'):
            return options._replace(help=True)
        if name == closed_network.OPTION:
            options = options._replace(open_ports=True, arguments=rest)
            continue
        if name not in _VALUED:
            break
        if not rest:
            raise UsageError('%s: a value is missing, as in %s' % (name, _USAGE))
        options = _take(options, name, rest[0])._replace(arguments=rest[1:])
    for name in _VALUED + (closed_network.OPTION,):
        if name in options.arguments:
            raise UsageError('%s: options of the launcher go before all flags, as in %s' % (name, _USAGE))
    return options


def _take(options: Options, name: str, value: str) -> Options:
    if name == '-n':
        return options._replace(ranks=_ranks(value))
    return options._replace(module=_module(value))


def _ranks(text: str) -> int:
    if not re.fullmatch(r'[0-9]{1,9}', text) or not 1 <= int(text) <= MAX_RANKS:
        raise UsageError("-n '%s': the number of ranks is from 1 to %d" % (text, MAX_RANKS))
    return int(text)


def _module(name: str) -> str:
    try:
        if re.fullmatch(r'\w+(\.\w+)*', name) and importlib.util.find_spec(name) is not None:
            return name
    except (ImportError, ValueError):
        pass
    raise UsageError("-m '%s': there is no such module; bench.perf is one" % name)


def target(arguments: List[str]) -> Target:
    """Reads the module's flags, also those in flagfiles; what is wrong with the others, every rank says itself.

    Raises:
      UsageError: a flagfile that cannot be read, or a flag without its value.
    """
    values = flags.FlagValues()
    values.set_gnu_getopt(True)  # goes on after the value of a flag that it does not know
    flags.DEFINE_string('platform', None, 'As of lenet.train.', flag_values=values)
    flag_parsing.define_path('output_dir', 'output', 'As of lenet.train.', flag_values=values)
    flags.DEFINE_float('rank_timeout', 600, 'As of lenet.train.', flag_values=values)
    flag_parsing.define_path('data_path', None, 'As of lenet.train.', flag_values=values)
    flag_parsing.parse(values, arguments, known_only=True)
    flag_parsing.require_names(values)
    return Target(*[values[name].value for name in Target._fields])
