"""Channels. One module per channel; each gets a Parcel and does not know the outbox."""
