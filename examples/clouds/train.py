"""One program for every cloud: it names secrets, and says nothing of where they are or who may read them.

TACENDA_STACK=aws python train.py
"""

import base64

import tacenda
import tacenda.masking

tacenda.masking.install()

store = tacenda.open_store()
api_key = store.get("api-keys", "API_KEY")
database = store.get("db-credentials")

print(f"stack {store.stack.name}")
print(f"API key: {api_key}")
print(f"database: {database['USER']} at {database['HOST']}, password {database['PASSWORD']}")
login = base64.b64encode(f"{database['USER']}:{database['PASSWORD']}".encode()).decode()
print(f"Authorization: Basic {login}")
