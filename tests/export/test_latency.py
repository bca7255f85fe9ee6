import pytest

from lenet.export import latency


def test_the_statistics_of_calls_of_different_sizes_by_hand():
    facts = latency.summarize([9.0, 7.0, 7.0, 1.0, 2.0, 3.0], [4, 4, 4, 4, 4, 1], warmup=2)
    assert (facts['calls'], facts['warmup_calls'], facts['timed_calls'], facts['timed_images']) == (6, 2, 3, 9)
    assert facts['first_call_seconds'] == 9.0
    assert facts['images_per_second'] == pytest.approx(9 / 6)
    assert facts['ms_per_call'] == pytest.approx({'mean': 2000, 'p50': 2000, 'p99': 2980})
    # Four images of 250 ms, four of 500, one of 3000.
    assert facts['ms_per_image'] == pytest.approx({'mean': 6000 / 9, 'p50': 500, 'p99': 500 + 0.92 * 2500})


def test_the_first_call_is_never_timed():
    facts = latency.summarize([9.0, 1.0], [7, 7], warmup=0)
    assert facts['images_per_second'] == 7 and facts['ms_per_call']['mean'] == 1000


@pytest.mark.parametrize('seconds, warmup, words', [
    ([9.0], 2, '1: the first, 0 of warm-up, 0 timed'), ([9.0, 1.0, 1.0], 2, '3: the first, 2 of warm-up, 0 timed'),
    ([9.0, 1.0], 10 ** 9, '2: the first, 1 of warm-up, 0 timed')])
def test_where_no_call_is_left_it_says_so_and_gives_no_number(seconds, warmup, words):
    facts = latency.summarize(seconds, [7] * len(seconds), warmup)
    assert facts['images_per_second'] is facts['ms_per_call'] is facts['ms_per_image'] is None
    text = '\n'.join(latency.lines(facts))
    assert words in text and 'too few' in text and '9.0000 s' in text
    assert 'images/s' not in text and 'p99' not in text


@pytest.mark.parametrize('calls, warned', [(99, True), (100, False)])
def test_a_99th_percentile_of_few_calls_says_what_it_is(calls, warned):
    facts = latency.summarize([1.0] * (calls + 1), [3] * (calls + 1), warmup=0)
    assert any('fewer than 100 calls' in line for line in latency.lines(facts)) == warned


def test_it_says_in_words_what_is_timed():
    facts = latency.summarize([1.0, 1.0], [3, 3], warmup=0)
    assert latency.lines(facts)[-1].endswith(facts['timed']) and 'session.run alone' in facts['timed']


def test_a_call_is_named_as_its_runtime_does():
    facts = latency.summarize([1.0, 1.0], [1, 1], warmup=0, call='invoke')
    text = latency.lines(facts)
    assert text[1].startswith('invokes           2: ') and text[2].startswith('ms/invoke         mean 1000')
    assert text[-1] == 'timed             ' + facts['timed']
    assert facts['timed'].startswith('invoke alone')
