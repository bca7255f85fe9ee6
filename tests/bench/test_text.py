from bench import text


def test_a_table_is_aligned_markdown():
    assert text.table(['a', 'long'], [['100', '2']]) == ['| a   | long |', '|-----|------|', '| 100 | 2    |']


def test_a_spread_shows_median_minimum_and_maximum():
    assert text.spread({'median': 2.0, 'min': 1.0, 'max': 4.0}, '%.1f') == '2.0 (1.0-4.0)'


def test_a_loss_that_is_no_number_says_so():
    assert text.number(None) == 'not finite' and text.number(0.25) == '0.2500'
