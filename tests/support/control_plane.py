"""The marker of tests that need a control plane."""

import pytest

from kudo.devstack.control_plane import find_binaries, missing_followers
from kudo.errors import ConfigurationError


def needs_control_plane() -> pytest.MarkDecorator:
    """Return the marker that skips a test if a component of the control plane is not installed."""
    try:
        missing = missing_followers(find_binaries())
    except ConfigurationError as error:
        return pytest.mark.skip(reason=str(error))
    return pytest.mark.skipif(bool(missing), reason=f"no control plane: {' and '.join(missing)} not found")
