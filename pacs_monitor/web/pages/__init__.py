"""What a person sees: pages that are rendered here from the same data that the API serves."""
