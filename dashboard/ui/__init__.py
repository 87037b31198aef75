"""What pages are drawn with: addresses, selectors, links, tiles, units, times, axes."""
