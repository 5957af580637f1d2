"""Answers in and out, as files."""

from fastapi import APIRouter

router = APIRouter()
