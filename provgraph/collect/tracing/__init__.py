"""Watching a command: the contract, and the ways to do it."""

from provgraph.collect.tracing.audit.tracer import AuditTracer
from provgraph.collect.tracing.interface import Tracer
from provgraph.collect.tracing.preload.tracer import PreloadTracer

__all__ = ["AuditTracer", "PreloadTracer", "Tracer"]
