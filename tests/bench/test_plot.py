import pytest


def test_a_sweep_becomes_a_picture(tmp_path):
    pytest.importorskip('matplotlib', reason='matplotlib is not installed: requirements-plot.txt')
    from bench import plot
    points = [{'value': value, 'cores': cores, 'images_per_second': {'median': 2.0, 'min': 1.0, 'max': 4.0}}
              for value in ('16', '64') for cores in (1, 2)]
    report = {'flag': 'batch_size', 'rounds': 3, 'points': points, 'machine': {'cpu': 'C'}}
    plot.draw(report, str(tmp_path / 'plot.png'))
    assert (tmp_path / 'plot.png').read_bytes().startswith(b'\x89PNG')
