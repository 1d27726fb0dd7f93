"""Programs for maintainers: checks of the sources, releases, the changelog and the documentation's site."""
