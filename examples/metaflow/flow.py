"""A flow that reads two secrets. Where they are kept it does not know: that is in tacenda.yaml, per stack."""

import base64
import logging
import os
import subprocess

from metaflow import FlowSpec, current, secrets, step


class SecretsFlow(FlowSpec):
    """A step that uses secrets, one that is careless with them, one without."""

    @secrets(sources=["api-keys", "db-credentials"])
    @step
    def start(self):
        api_key = current.secrets.api_keys["API_KEY"]  # as an attribute: a hyphen is an underscore
        password = current.secrets["db-credentials"]["PASSWORD"]  # or by the exact name

        # Both are strings, which any library takes. HOST is no secret.
        print(f"API key: {api_key}")
        print(f"database: {current.secrets['db-credentials']['HOST']}, password: {password}")
        print(f"also in the environment: {(os.environ['API_KEY'], os.environ['PASSWORD']) == (api_key, password)}")
        self.next(self.careless)

    @secrets(sources=["api-keys", "db-credentials"])
    @step
    def careless(self):
        api_key, password = os.environ["API_KEY"], os.environ["PASSWORD"]
        login = base64.b64encode(f"admin:{password}".encode()).decode()
        print(f"a header: Authorization: Basic {login}")
        subprocess.run('echo "from a child process: $API_KEY"', shell=True, check=True)
        logging.warning("from a log: %s", {"headers": {"X-Api-Key": api_key}})
        try:
            raise ConnectionError(f"no route to postgres://admin:{password}@db")
        except ConnectionError:
            logging.exception("from a traceback:")
        self.next(self.end)

    @step
    def end(self):
        # This step declared none, so there are none: the attribute itself is missing.
        print(f"has secrets: {hasattr(current, 'secrets')}")


if __name__ == "__main__":
    SecretsFlow()
