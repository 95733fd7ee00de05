"""A page on this computer alone, to look through a run and to rate its items blind."""

from judgefair.reviewing.app import review_app
from judgefair.reviewing.serving import serve

__all__ = ["review_app", "serve"]
