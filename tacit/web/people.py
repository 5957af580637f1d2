"""Several people."""

from fastapi import APIRouter

router = APIRouter()
