"""A flow that reads two secrets. Where they are kept it does not know: that is in tacenda.yaml, per stack."""

import os

from metaflow import FlowSpec, current, secrets, step


class SecretsFlow(FlowSpec):
    """One step with secrets, one without."""

    @secrets(sources=["api-keys", "db-credentials"])
    @step
    def start(self):
        api_key = current.secrets.api_keys["API_KEY"]  # as an attribute: a hyphen is an underscore
        password = current.secrets["db-credentials"]["PASSWORD"]  # or by the exact name

        # Both are strings, which any library takes; only their repr is masked. HOST is no secret.
        print(f"API key: {api_key!r}")
        print(f"database: {current.secrets['db-credentials']['HOST']}, password: {password!r}")
        print(f"also in the environment: {(os.environ['API_KEY'], os.environ['PASSWORD']) == (api_key, password)}")
        self.next(self.end)

    @step
    def end(self):
        # This step declared none, so there are none: the attribute itself is missing.
        print(f"has secrets: {hasattr(current, 'secrets')}")


if __name__ == "__main__":
    SecretsFlow()
