"""Secrets for stores under test: the same everywhere, so that a key made in one helper opens what another one built."""

from tenants.access.secrets import Secrets

SECRETS = Secrets(1, {1: b"p" * 32}, b"t" * 32, b"c" * 32, b"k" * 32, b"n" * 32)
