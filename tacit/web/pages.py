"""Look, Progress, Train, Runs, Settings."""

from fastapi import APIRouter

router = APIRouter()
