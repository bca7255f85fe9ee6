"""How fast training is: perf.py times the program's own step, compare.py sets it beside other programs, allreduce.py
times what several ranks exchange in it.

Entries: python -m bench.perf, bench.compare, bench.allreduce, and bench.accuracy, which trains a recipe from several
seeds. Nothing here is imported by lenet.
"""

import lenet  # for what it does to the path of `python -m bench.perf`

__all__ = ['lenet']
