"""Code that the views of all nouns share. The views themselves are in `<noun>/views`, composite ones in `pages`."""
