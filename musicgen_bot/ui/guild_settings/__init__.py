"""The panel of `/settings`, its forms, and a server's settings as text and as a file."""
