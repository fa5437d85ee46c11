"""Watching a command: the contract, and the ways to do it."""

from provgraph.collect.tracing.audit.tracer import AuditTracer
from provgraph.collect.tracing.interface import Tracer

__all__ = ["AuditTracer", "Tracer"]
