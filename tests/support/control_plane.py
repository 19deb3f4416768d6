"""Whether tests can run on a control plane."""

from kudo.devstack.control_plane import find_binaries, missing_followers
from kudo.errors import ConfigurationError


def missing_control_plane() -> str:
    """Return why no complete control plane can be started, empty if one can."""
    try:
        missing = missing_followers(find_binaries())
    except ConfigurationError as error:
        return str(error)
    return f"no control plane: {' and '.join(missing)} not found" if missing else ""
