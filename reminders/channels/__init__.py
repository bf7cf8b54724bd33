"""The ways a message can go out. One module per channel; each is told a Parcel and knows nothing of the outbox."""
