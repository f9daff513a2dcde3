"""A pipeline that reads two secrets. Where they are kept it does not know: that is in tacenda.yaml, per stack."""

import base64
import logging
import os
import subprocess

from zenml import get_step_context, pipeline
from zenml.steps import StepContext, step


@step
def load(context: StepContext) -> str:
    """Takes the context, so ZenML does not cache it; another step's inputs would stand beside."""
    secrets = context.stack.secrets_manager
    api_keys = secrets.get_secret("api-keys")
    database = secrets.get_secret("db-credentials")

    # `content` is a dictionary of all key-value pairs; each key is an attribute too. HOST is no secret.
    print(f"API key: {api_keys.content['API_KEY']}")
    print(f"database: {database.HOST}, password: {database.PASSWORD}")
    return str(database.HOST)  # returning the password would fail the step: ZenML would store it


@step(enable_cache=False)
def careless(host: str) -> None:
    secrets = get_step_context().stack.secrets_manager  # without the parameter, as anywhere in ZenML
    api_key = secrets.get_secret("api-keys").API_KEY
    password = secrets.get_secret("db-credentials").PASSWORD
    login = base64.b64encode(f"admin:{password}".encode()).decode()
    print(f"a header: Authorization: Basic {login}")
    subprocess.run(
        'echo "from a child process: $API_KEY"', shell=True, check=True, env={**os.environ, "API_KEY": api_key}
    )
    logging.warning("from a log: %s", {"headers": {"X-Api-Key": api_key}})
    try:
        raise ConnectionError(f"no route to postgres://admin:{password}@{host}")
    except ConnectionError:
        logging.exception("from a traceback:")


@pipeline
def secrets_pipeline() -> None:
    careless(load())


if __name__ == "__main__":
    secrets_pipeline()
