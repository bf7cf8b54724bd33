"""Channels. One package and one object each, registered by name; each gets a Parcel and does not know the outbox."""
