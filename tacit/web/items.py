"""Items: what is known of one, its pictures and sounds, its neighbours, and looking for others."""

from fastapi import APIRouter

router = APIRouter()
