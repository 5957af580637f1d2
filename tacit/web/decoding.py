"""What a space can decode."""

from fastapi import APIRouter

router = APIRouter()
