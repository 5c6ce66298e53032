"""What several rooms' tests share; what only one room needs stays with that room."""
