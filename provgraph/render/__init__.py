"""Answers out: text for people, JSON and CSV for programs, one HTML page for looking."""

from provgraph.render.interface import FORMATS, Style, render

__all__ = ["FORMATS", "Style", "render"]
