"""Channels: one package and one object each, registered by name.

Each gets an OutgoingMessage and does not know the outbox.
"""
