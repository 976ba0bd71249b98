"""The pages for people: made on the server, working without a script, kept up to date by a small one."""
