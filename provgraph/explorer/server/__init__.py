"""The server: who may ask, what is answered, until Ctrl-C. The only door to Starlette, uvicorn."""
