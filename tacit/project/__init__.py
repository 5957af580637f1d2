"""The hallway: a folder on disk and its verbs."""

from tacit.project.project import Project

__all__ = ["Project"]
