"""Items by filter, samples of a selection, bulk answers, duplicates."""

from fastapi import APIRouter

router = APIRouter()
