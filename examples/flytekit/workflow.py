"""A workflow that reads two secrets. Where they are kept it does not know: that is in tacenda.yaml, per stack."""

import base64
import logging
import os
import subprocess

from flytekit import Secret, current_context, task, workflow

API_KEY = Secret(group="api-keys", key="API_KEY")
HOST = Secret(group="db-credentials", key="HOST")
# Also in the environment, for libraries that look for it there.
PASSWORD = Secret(
    group="db-credentials", key="PASSWORD", mount_requirement=Secret.MountType.ENV_VAR, env_var="PGPASSWORD"
)


@task(secret_requests=[API_KEY, HOST, PASSWORD])
def connect() -> str:
    secrets = current_context().secrets
    api_key = secrets.get("api-keys", "API_KEY")
    password = secrets.db_credentials.PASSWORD  # as an attribute: a hyphen is an underscore

    # Both are strings, which any library takes. HOST is no secret.
    print(f"API key: {api_key}")
    print(f"database: {secrets.get('db-credentials', 'HOST')}, password: {password}")
    print(f"also in the environment: {os.environ['PGPASSWORD'] == password}")
    return "connected"


@task(secret_requests=[API_KEY, PASSWORD])
def careless() -> None:
    api_key = current_context().secrets.get("api-keys", "API_KEY")
    password = os.environ["PGPASSWORD"]
    login = base64.b64encode(f"admin:{password}".encode()).decode()
    print(f"a header: Authorization: Basic {login}")
    subprocess.run('echo "from a child process: $PGPASSWORD"', shell=True, check=True)
    logging.warning("from a log: %s", {"headers": {"X-Api-Key": api_key}})
    try:
        raise ConnectionError(f"no route to postgres://admin:{password}@db")
    except ConnectionError:
        logging.exception("from a traceback:")


@workflow
def main() -> str:
    state = connect()
    careless()
    return state
