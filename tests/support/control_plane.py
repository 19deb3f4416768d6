"""Whether there is a control plane to run tests on."""

import pytest

from kudo.devstack.control_plane import find_binaries, missing_followers
from kudo.errors import ConfigurationError


def control_plane_is_there() -> pytest.MarkDecorator:
    """The mark of tests that need all of a control plane."""
    try:
        missing = missing_followers(find_binaries())
    except ConfigurationError as error:
        return pytest.mark.skip(reason=str(error))
    return pytest.mark.skipif(bool(missing), reason=f"no control plane: {' and '.join(missing)} not there")
