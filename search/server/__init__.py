"""The web server: what people and programs see of studies, behind a access."""
