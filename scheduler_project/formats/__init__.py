"""How English writes days and times here: as clear in London as in New York. German and French are Django's own."""
