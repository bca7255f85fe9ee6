"""What all tests share."""

import pytest

from lenet.data import fetch
from lenet.errors import UserError


def pytest_collection_modifyitems(items: list) -> None:
    # The quick tests answer first. sort() keeps the order otherwise.
    items.sort(key=lambda item: item.get_closest_marker('slow') is not None)


@pytest.fixture(scope='session')
def mnist() -> str:
    """The directory of real MNIST, fetched as training does."""
    try:
        return fetch.ensure()
    except UserError as error:
        pytest.skip('real MNIST is not to be had here: %s' % error)
