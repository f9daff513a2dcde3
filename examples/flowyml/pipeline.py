"""A pipeline that reads two secrets. Where they are kept it does not know: that is in tacenda.yaml, per stack."""

import base64
import logging
import os
import subprocess
import sys

from flowyml import Pipeline, step
from flowyml.stacks.enterprise.secrets import get_secrets_provider

import tacenda

# What a step prints goes to FlowyML's dashboard and nowhere else; what it logs here is on the console.
log = logging.getLogger("training")
log.addHandler(logging.StreamHandler(sys.stdout))
log.setLevel(logging.INFO)


@step(outputs=["host"])
def connect():
    secrets = get_secrets_provider()  # of the stack that the pipeline runs on
    api_key = secrets.get_secret("api-keys#API_KEY")  # a text, or None if there is none
    database = tacenda.get("db-credentials")  # or all keys of a secret at once

    # Both are strings, which any library takes. HOST is no secret.
    log.info("API key: %s", api_key)
    log.info("database: %s, password: %s", database.HOST, database.PASSWORD)
    return str(database.HOST)  # a step that returned the password would fail: FlowyML keeps what steps return


@step(inputs=["host"], outputs=["tried"])
def careless(host: str):
    api_key, password = tacenda.get("api-keys", "API_KEY"), tacenda.get("db-credentials", "PASSWORD")
    login = base64.b64encode(f"admin:{password}".encode()).decode()
    log.info("a header: Authorization: Basic %s", login)
    print(f"in the dashboard: {api_key}")
    child = {**os.environ, "API_KEY": api_key}  # not as an argument: those every user of the machine can read
    subprocess.run('echo "from a child process: $API_KEY"', shell=True, check=True, env=child)
    log.warning("from a log: %s", {"headers": {"X-Api-Key": api_key}})
    try:
        raise ConnectionError(f"no route to postgres://admin:{password}@{host}")
    except ConnectionError:
        log.exception("from a traceback:")
    return True


if __name__ == "__main__":
    pipeline = Pipeline("training", stack=sys.argv[1])
    pipeline.add_steps([connect, careless])
    result = pipeline.run(auto_start_ui=False)  # without the dashboard, which would go on running
    sys.exit(not result.success)
