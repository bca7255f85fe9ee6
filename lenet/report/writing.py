"""Puts a page together: the template, its style and script, and the data, in one file that needs no other."""

import base64
import functools
import hashlib
import os
from typing import Any, Dict, List, Optional

from lenet.data.splits import Split
from lenet.errors import UserError, one_line
from lenet.report import content
from lenet.report import records
from lenet.run import run_directory
from lenet.support import files
from lenet.support import progress
from lenet.support import stack

PAGE = os.path.join(os.path.dirname(__file__), 'page')
SCRIPTS = ('network.js', 'mnist_form.js', 'charts.js', 'page.js')  # in the order in which they need each other


def write(directories: List[str], path: str, test: Optional[Split] = None) -> None:
    """Writes the page of these runs to `path`.

    Args:
      test: the test images of the only run, where the caller has them.

    Raises:
      UserError: Jinja2 is missing, a directory holds no run, its records are damaged, or `path` cannot be written.
    """
    files.require_file_name(path)
    page = render([records.read(directory, test) for directory in directories])
    with files.replacing(path) as stream:
        stream.write(page)


def show(directory: str, test: Split) -> str:
    """Writes a run's page at its end, where a failure is only worth a warning.

    Args:
      test: its test images.

    Returns:
      A few words on where the page is, none if there is none.
    """
    path = os.path.join(directory, run_directory.REPORT)
    try:
        write([directory], path, test)
    except UserError as error:
        progress.warn('no page of the run was written: %s' % error)
        return ''
    return ', page %s' % path


def render(runs: List[records.Run]) -> str:
    """The page as text.

    Raises:
      UserError: Jinja2 is missing, or the records hold something else than this program writes.
    """
    try:
        import jinja2
    except ImportError as error:
        raise UserError('the page of a run needs Jinja2 (%s): pip install -r %s' % (error, stack.REQUIREMENTS))
    style, script = _read('page.css'), '\n'.join(_read(name) for name in SCRIPTS)
    markup = jinja2.filters.do_mark_safe
    try:
        shown = content.describe(runs)
        page = _template().render(
            policy=policy(style, script), style=markup(style), script=markup(script),
            data=jinja2.utils.htmlsafe_json_dumps(shown.for_script()), **shown.for_template())
    except content.DAMAGE + (jinja2.TemplateRuntimeError,) as error:
        raise UserError('%s: its results.json or metrics.jsonl is damaged, or of another program (%s: %s)' %
                        (' '.join(run.directory for run in runs), type(error).__name__, one_line(error)))
    return page.encode(errors='backslashreplace').decode()  # bytes of a name that are no text


def policy(style: str, script: str) -> str:
    """The Content-Security-Policy: this style and this script by their digests, pictures that the page makes itself,
    and no request to anywhere."""
    digest: Dict[str, str] = {}
    for name, text in (('style', style), ('script', script)):
        digest[name] = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return ("default-src 'none'; style-src 'sha256-%(style)s'; script-src 'sha256-%(script)s'; img-src data:; "
            "base-uri 'none'; form-action 'none'" % digest)


@functools.lru_cache(maxsize=None)
def _template() -> Any:
    import jinja2
    environment = jinja2.Environment(loader=jinja2.FileSystemLoader(PAGE), autoescape=True, trim_blocks=True,
                                     undefined=jinja2.StrictUndefined)
    return environment.get_template('page.html.j2')


def _read(name: str) -> str:
    with open(os.path.join(PAGE, name), encoding='utf-8') as stream:
        return stream.read()
