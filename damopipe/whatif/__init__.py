"""What-if: a stored run replayed against schemes that were not on. A query and variants in, an `Answer` out."""
