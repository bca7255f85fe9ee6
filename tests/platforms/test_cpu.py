import subprocess
import sys

from lenet import flags
from lenet import platforms
from tests import processes


def test_the_cpu_is_chosen_by_default_and_an_op_gets_one_thread():
    platform = platforms.choose(flags.make_params(replicas=2)).start()
    config = platform.session_config()
    assert platform.name == 'cpu' and (platform.ranks.rank, platform.ranks.size) == (0, 1)
    assert config.intra_op_parallelism_threads == 1 and config.inter_op_parallelism_threads >= 2


def test_a_run_on_the_cpu_never_imports_the_vendors_package(tmp_path):
    (tmp_path / 'npu_bridge').mkdir()
    (tmp_path / 'npu_bridge' / '__init__.py').write_text('raise SystemExit("npu_bridge was imported")')
    program = ('import sys; sys.path.insert(0, %r)\n'
               'from lenet import flags, platforms\nfrom lenet.run import trainer\n'
               'platforms.choose(flags.make_params()).start()\n'
               'assert not any(name.startswith("npu_bridge") or name.endswith("platforms.npu") for name in sys.modules)'
               % str(tmp_path))
    ended = subprocess.run([sys.executable, '-c', program], cwd=processes.ROOT, stderr=subprocess.PIPE,
                           universal_newlines=True)
    assert ended.returncode == 0, ended.stderr
