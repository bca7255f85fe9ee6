"""The order of the house: what may import what, and what stands at the door."""

import ast
import os
import re
from typing import Dict, Iterator, List, Set, Tuple

from tests.processes import ROOT

# From the ground up. A module imports from its own floor and from those below it; the most specific entry counts. The
# seams (base.py) lie below the graph, which is built from them; their implementations above it.
FLOORS = [
    ['lenet.support.text'], ['lenet.errors'], ['lenet.support'], ['lenet.ranks.cluster'],
    ['lenet', 'lenet.flags', 'lenet.device_flags', 'lenet.flag_rules'], ['lenet.data'], ['lenet.photo'],
    ['lenet.platforms', 'lenet.platforms.npu_modules', 'lenet.ranks', 'lenet.ranks.base', 'lenet.ranks.alone'],
    ['lenet.platforms.base'], ['lenet.graph'],
    ['lenet.ranks.averaging', 'lenet.ranks.collective', 'lenet.ranks.heartbeat', 'lenet.ranks.watchdog'],
    ['lenet.platforms.cpu', 'lenet.platforms.npu', 'lenet.platforms.npu_config', 'lenet.platforms.npu_ranks'],
    ['lenet.checks'], ['lenet.run'], ['lenet.export'], ['lenet.launcher'], ['lenet.report'],
]
COMMANDS = {'train', 'evaluate', 'freeze', 'infer', 'preprocess', 'predict', 'doctor', 'launch', 'report.__main__'}
LIBRARY_AT_THE_TOP = {'__init__', 'flags', 'device_flags', 'flag_rules', 'errors'}
# Whoever chooses an implementation by its name must import it, in the function that does so.
CHOOSERS = {'lenet.platforms': 'lenet.platforms.', 'lenet.ranks': 'lenet.ranks.'}


def modules(package: str) -> Dict[str, str]:
    """Paths of all modules of a package by their full names."""
    paths = {}
    for folder, _, names in os.walk(os.path.join(ROOT, package)):
        for name in names:
            if name.endswith('.py'):
                path = os.path.join(folder, name)
                dotted = os.path.relpath(path, ROOT)[:-len('.py')].replace(os.sep, '.')
                paths[dotted[:-len('.__init__')] if dotted.endswith('.__init__') else dotted] = path
    return paths


MODULES, BENCH = modules('lenet'), modules('bench')


def text_of(path: str) -> str:
    with open(path, encoding='utf-8') as stream:
        return stream.read()


def statements(node: ast.AST, in_function: bool = False) -> Iterator[Tuple[ast.AST, bool]]:
    """All nodes below one, each with whether it is inside of a function; but not what is for annotations alone."""
    for_annotations = isinstance(node, ast.If) and ast.dump(node.test) in (
        ast.dump(ast.parse(test, mode='eval').body) for test in ('TYPE_CHECKING', 'typing.TYPE_CHECKING'))
    for child in node.orelse if for_annotations else ast.iter_child_nodes(node):
        yield child, in_function
        yield from statements(child, in_function or isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)))


def imports_of(module: str) -> Iterator[Tuple[str, bool]]:
    """The modules of the project that one imports, each with whether a function does so."""
    package = module.split('.')
    if os.path.basename(MODULES[module]) != '__init__.py':
        package.pop()
    for node, in_function in statements(ast.parse(text_of(MODULES[module]))):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            start = '.'.join((package[:len(package) + 1 - node.level] if node.level else []) +
                             ([node.module] if node.module else []))
            fulls = ['%s.%s' % (start, alias.name) for alias in node.names]
            names = [full if full in MODULES else start for full in fulls]
        yield from ((name, in_function) for name in names if name.split('.')[0] in ('lenet', 'bench', 'tests'))


def arrows_of(module: str) -> Set[str]:
    """The modules that one stands on: its imports but for those of a chooser's functions."""
    return {name for name, in_function in imports_of(module)
            if not (in_function and name.startswith(CHOOSERS.get(module, '\0')))} - {module}


def is_command(module: str) -> bool:
    return module in {'lenet.' + command for command in COMMANDS}


def floor(module: str) -> int:
    if is_command(module):
        return len(FLOORS)
    entries = [(entry, number) for number, entries in enumerate(FLOORS) for entry in entries
               if module == entry or (module.startswith(entry + '.') and entry != 'lenet')]
    assert entries, '%s stands on no floor of FLOORS' % module
    return max(entries)[1]  # the longest entry: all of them are prefixes of one another


def test_every_module_stands_on_a_floor():
    for module in MODULES:
        floor(module)


def test_no_arrow_points_upwards():
    assert ['%s -> %s' % (module, other) for module in sorted(MODULES) for other in sorted(arrows_of(module))
            if other in MODULES and floor(other) > floor(module)] == []


def test_the_package_stands_alone_and_so_does_each_command():
    assert ['%s -> %s' % (module, other) for module in sorted(MODULES) for other in sorted(arrows_of(module))
            if other not in MODULES or (is_command(module) and is_command(other))] == []


def test_no_imports_go_round_in_a_circle():
    arrows = {module: sorted(arrows_of(module)) for module in MODULES}
    done: Set[str] = set()

    def visit(module: str, path: List[str]) -> None:
        assert module not in path, ' -> '.join(path[path.index(module):] + [module])
        if module not in done:
            for other in arrows.get(module, []):
                visit(other, path + [module])
            done.add(module)

    for module in sorted(MODULES):
        visit(module, [])


def test_commands_alone_stand_at_the_top():
    top = {name[:-len('.py')] for name in os.listdir(os.path.join(ROOT, 'lenet')) if name.endswith('.py')}
    assert top == {command for command in COMMANDS if '.' not in command} | LIBRARY_AT_THE_TOP


def test_only_commands_read_flags():
    """Importing absl's flags is for those who define or read them."""
    users = {module for module, path in MODULES.items() if 'FLAGS' in text_of(path) and 'absl' in text_of(path)}
    assert {module for module in users if module.count('.') > 1} <= {
        'lenet.support.entry', 'lenet.support.flag_parsing', 'lenet.export.model_flags', 'lenet.data.fetch',
        'lenet.report.__main__'}


def test_the_npu_s_files_alone_name_its_adapter():
    users = [module for module, path in {**MODULES, **BENCH}.items() if 'npu_bridge' in text_of(path)]
    assert users and [module for module in users if not module.startswith('lenet.platforms.npu')] == []


def test_the_names_of_the_seams_are_small():
    """step.build and the loop: what a reader sees first."""
    tree = ast.parse(text_of(MODULES['lenet.graph.step']))
    build, = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == 'build']
    assert len([node for node in ast.walk(build.args) if isinstance(node, ast.arg)]) <= 5
    tree = ast.parse(text_of(MODULES['lenet.run.session_loop']))
    run, = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name == 'run']
    last = max(node.lineno for node in ast.walk(run) if hasattr(node, 'lineno'))
    assert last - run.lineno < 40


def untyped_params(path: str) -> List[int]:
    """The lines where a `params` is annotated as Any."""
    arguments = [node for node in ast.walk(ast.parse(text_of(path)))
                 if isinstance(node, ast.arg) and node.arg == 'params' and node.annotation is not None]
    return [node.lineno for node in arguments if re.search(r'\bAny\b', ast.dump(node.annotation))]


def test_params_are_never_of_any_type():
    lines = {module: untyped_params(path) for module, path in {**MODULES, **BENCH}.items()}
    assert {module: numbers for module, numbers in lines.items() if numbers} == {}
