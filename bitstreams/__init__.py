"""Package data: bitstreams and hardware descriptions, by board and build configuration."""
