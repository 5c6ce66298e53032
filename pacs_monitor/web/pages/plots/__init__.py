"""Plots of pages: SVG from the server, each with its words and its figures as a table, of what the record has."""
