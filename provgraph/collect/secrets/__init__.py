"""Secrets: what is one, and what stands in its place in everything that is written."""

from provgraph.collect.secrets.redactor import Redactor, Rules, fingerprint

__all__ = ["Redactor", "Rules", "fingerprint"]
