"""The web server: what people and programs see of studies, and the login that says who may see it."""
