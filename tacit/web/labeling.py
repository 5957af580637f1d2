"""Labelling: queues, answers, undo, flags, classes."""

from fastapi import APIRouter

router = APIRouter()
