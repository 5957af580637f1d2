"""The map."""

from fastapi import APIRouter

router = APIRouter()
