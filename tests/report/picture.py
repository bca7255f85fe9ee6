"""Makes the picture of a run's page that README.md shows: a digit is drawn on it, the rest is as it opens.

  python -m tests.report.picture output/report.html tests/report/page.png
"""

import os
import sys

from tests.report import browser as browsers

KEPT = os.path.join(os.path.dirname(__file__), 'page.png')
WIDTH, HEIGHT = 1000, 1240  # pixels: from the top to the first rows of the confusion matrix


def make(browser, page: str, target: str) -> None:
    opened = browsers.Opened(browser, os.path.abspath(page), viewport={'width': WIDTH, 'height': HEIGHT},
                             color_scheme='light')
    browsers.draw_seven(opened.page)
    opened.page.evaluate('window.scrollTo(0, 0)')
    opened.page.screenshot(path=target)
    opened.context.close()


if __name__ == '__main__':
    with browsers.running() as started:
        make(started, *sys.argv[1:])
