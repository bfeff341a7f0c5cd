"""Turns results into what people read: a page, Markdown, CSV, tables in the terminal."""
