"""The conversion of packages of `kudo.dev/v1beta1`, KUDO's dialect, to `kudo.dev/v1`."""

from kudo.conversion.convert import Conversion, convert

__all__ = ["Conversion", "convert"]
