"""Tasks that read two secrets. Where they are kept they do not know: that is in tacenda.yaml, per stack."""

import base64
import json
import logging
import os
import pathlib
import subprocess

import flyte
from flyte import Secret

API_KEY = Secret("API_KEY", group="api-keys", as_env_var="API_KEY")
PASSWORD = Secret("PASSWORD", group="db-credentials", as_env_var="PGPASSWORD")
DATABASE = Secret("db-credentials", mount="/etc/flyte/secrets")  # the whole secret, as a file

env = flyte.TaskEnvironment(name="secrets-example", secrets=[API_KEY, DATABASE])
careless_env = flyte.TaskEnvironment(name="careless", secrets=[API_KEY, PASSWORD])
main_env = flyte.TaskEnvironment(name="main", depends_on=[env, careless_env])  # declares none, so it has none


@env.task
def connect() -> str:
    api_key = os.environ["API_KEY"]
    database = json.loads(pathlib.Path("/etc/flyte/secrets/db-credentials").read_text())

    # Both are strings, which any library takes. HOST is no secret.
    print(f"API key: {api_key}")
    print(f"database: {database['HOST']}, password: {database['PASSWORD']}")
    return "connected"


@careless_env.task
def careless() -> None:
    api_key, password = os.environ["API_KEY"], os.environ["PGPASSWORD"]
    login = base64.b64encode(f"admin:{password}".encode()).decode()
    print(f"a header: Authorization: Basic {login}")
    subprocess.run('echo "from a child process: $API_KEY"', shell=True, check=True)
    logging.warning("from a log: %s", {"headers": {"X-Api-Key": api_key}})
    try:
        raise ConnectionError(f"no route to postgres://admin:{password}@db")
    except ConnectionError:
        logging.exception("from a traceback:")


@main_env.task
async def main() -> str:
    # Called from async code, a task that is not async has `aio`.
    state = await connect.aio()
    await careless.aio()
    print(f"left in the environment: {sorted({'API_KEY', 'PGPASSWORD'} & set(os.environ))}")
    return state


if __name__ == "__main__":
    flyte.init()
    flyte.run(main)
