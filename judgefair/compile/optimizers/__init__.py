"""Ways of making a judge program agree better with humans, each in its own file."""
