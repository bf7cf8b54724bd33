"""English formats of days and times, as clear in London as in New York. German and French use Django's own."""
