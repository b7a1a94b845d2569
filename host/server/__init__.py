"""An OpenAI-compatible server on one model; needs the extra `server`.

`requests` reads what clients ask for, `worker` runs the batch in a thread of its own, `answers`
writes what clients get, and `app` joins them as an ASGI application.
"""
