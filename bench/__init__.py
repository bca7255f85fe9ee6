"""How fast training is: perf.py times the program's own step, compare.py sets it beside other programs.

Entries: python -m bench.perf, python -m bench.compare. Nothing here is imported by lenet.
"""
