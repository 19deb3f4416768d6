"""From KUDO's dialect to this project's own: packages of `kudo.dev/v1beta1` as packages of `kudo.dev/v1`."""

from kudo.conversion.convert import Conversion, convert

__all__ = ["Conversion", "convert"]
