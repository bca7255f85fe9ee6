"""The order of the house: what may import what, and what stands at the door."""

import ast
import os
from typing import Dict, Iterator, List, Set

from tests.processes import ROOT

# From the ground up. A module imports from its own floor and from those below it; the most specific entry counts. The
# seams (base.py) lie below the graph, which is built from them; their implementations above it.
FLOORS = [
    ['lenet.errors'], ['lenet.support'], ['lenet', 'lenet.flags', 'lenet.flag_rules'], ['lenet.data'], ['lenet.photo'],
    ['lenet.platforms', 'lenet.platforms.npu_modules', 'lenet.ranks', 'lenet.ranks.base', 'lenet.ranks.alone'],
    ['lenet.platforms.base'], ['lenet.graph'],
    ['lenet.ranks.averaging', 'lenet.ranks.horovod', 'lenet.ranks.watchdog'],
    ['lenet.platforms.cpu', 'lenet.platforms.npu', 'lenet.platforms.npu_config', 'lenet.platforms.npu_ranks'],
    ['lenet.checks'], ['lenet.run'], ['lenet.export'], ['lenet.launcher'],
]
COMMANDS = {'train', 'evaluate', 'freeze', 'infer', 'preprocess', 'predict', 'doctor', 'launch', 'loss_scale_report'}
LIBRARY_AT_THE_TOP = {'__init__', 'flags', 'flag_rules', 'errors'}
# Whoever chooses an implementation by its name must import it, in the function that does so.
CHOOSERS = {'lenet.platforms': 'lenet.platforms.', 'lenet.ranks': 'lenet.ranks.'}


def modules() -> Dict[str, str]:
    """Paths of all modules of the package by their full names."""
    found = {}
    for folder, _, names in os.walk(os.path.join(ROOT, 'lenet')):
        for name in names:
            if name.endswith('.py'):
                path = os.path.join(folder, name)
                dotted = os.path.relpath(path, ROOT)[:-len('.py')].replace(os.sep, '.')
                found[dotted[:-len('.__init__')] if dotted.endswith('.__init__') else dotted] = path
    return found


MODULES = modules()


def imports_of(module: str) -> Iterator[str]:
    """The modules of the package that one imports, also inside of functions, but not those for annotations alone."""
    with open(MODULES[module], encoding='utf-8') as stream:
        tree = ast.parse(stream.read())
    annotations = {inner for node in ast.walk(tree) if isinstance(node, ast.If) and 'TYPE_CHECKING' in ast.dump(node.test)
                   for inner in ast.walk(node)}
    for node in ast.walk(tree):
        if node in annotations:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in MODULES)
        elif isinstance(node, ast.ImportFrom) and node.module in MODULES:
            for alias in node.names:
                full = '%s.%s' % (node.module, alias.name)
                yield full if full in MODULES else node.module


def floor(module: str) -> int:
    if module.count('.') == 1 and module.split('.')[1] in COMMANDS:
        return len(FLOORS)
    entries = [(entry, number) for number, entries in enumerate(FLOORS) for entry in entries
               if module == entry or (module.startswith(entry + '.') and entry != 'lenet')]
    return max(entries)[1]  # the longest entry: all of them are prefixes of one another


def test_every_module_stands_on_a_floor():
    for module in MODULES:
        floor(module)


def test_no_arrow_points_upwards():
    upward = ['%s -> %s' % (module, other) for module in sorted(MODULES) for other in imports_of(module)
              if floor(other) > floor(module) and not other.startswith(CHOOSERS.get(module, '\0'))]
    assert upward == []


def test_no_imports_go_round_in_a_circle():
    arrows = {module: sorted(set(imports_of(module)) - {module}) for module in MODULES}
    done: Set[str] = set()

    def visit(module: str, path: List[str]) -> None:
        assert module not in path, ' -> '.join(path[path.index(module):] + [module])
        if module not in done:
            for other in arrows[module]:
                if not other.startswith(CHOOSERS.get(module, '\0')):
                    visit(other, path + [module])
            done.add(module)

    for module in sorted(MODULES):
        visit(module, [])


def test_commands_alone_stand_at_the_top():
    top = {name[:-len('.py')] for name in os.listdir(os.path.join(ROOT, 'lenet')) if name.endswith('.py')}
    assert top == COMMANDS | LIBRARY_AT_THE_TOP


def test_only_commands_read_flags():
    """Importing absl's flags is for those who define or read them."""
    users = {module for module, path in MODULES.items() if 'FLAGS' in open(path, encoding='utf-8').read()
             and 'absl' in open(path, encoding='utf-8').read()}
    assert {module for module in users if module.count('.') > 1} <= {
        'lenet.support.entry', 'lenet.export.model_flags', 'lenet.data.fetch'}


def test_the_names_of_the_seams_are_small():
    """step.build, the loop, and the parameters that everything takes: what a reader sees first."""
    tree = ast.parse(open(MODULES['lenet.graph.step'], encoding='utf-8').read())
    build, = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == 'build']
    assert len(build.args.args) <= 5
    tree = ast.parse(open(MODULES['lenet.run.session_loop'], encoding='utf-8').read())
    run, = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name == 'run']
    last = max(node.lineno for node in ast.walk(run) if hasattr(node, 'lineno'))
    assert last - run.lineno < 40
    assert [module for module, path in MODULES.items() if 'params: Any' in open(path, encoding='utf-8').read()] == []
