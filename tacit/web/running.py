"""Jobs: verbs that run as processes of their own."""

from fastapi import APIRouter

router = APIRouter()
