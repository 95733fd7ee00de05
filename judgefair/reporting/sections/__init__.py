"""Report sections, one file each: ORDER is its place, `build(validation)` gives the Section, or None where it has nothing to say."""
