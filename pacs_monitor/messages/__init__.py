"""What is said about reasons and incidents, in one catalogue: to people on call, on the terminal and in the API."""
