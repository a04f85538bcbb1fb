"""What failures of jobs of several kinds have in common: their messages, and a status that is no failure at all."""

from __future__ import annotations

CALLBACK_EXCEPTION = "CALLBACK_EXCEPTION"
"""Says that a callback was not delivered, and nothing about the result."""

ERROR_MESSAGES = {
    400: "The lyrics were turned down: they resemble protected words.",
    408: "The generation took too long and was given up.",
    413: "The audio was turned down: it matches a known work.",
    500: "Internal Error, Please try again later.",
    501: "The audio could not be generated.",
    531: "The generation failed; the credits have been returned.",
}
"""``errorMessage`` by ``errorCode``."""
