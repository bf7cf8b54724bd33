"""English formats of days and times, as clear in London as in New York. Other languages use Django's own."""
