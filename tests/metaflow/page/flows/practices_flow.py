"""The page's section "Best Practices": logs, rotation, a secret for each environment, only where it is needed."""

from beyond_the_page import digest, missing, tell
from metaflow import FlowSpec, step, secrets
from metaflow import current


class PracticesFlow(FlowSpec):

    @step
    def start(self):
        # No secrets needed here
        tell("start", without=missing("API_KEY"))
        self.next(self.process)

    @secrets(sources=['api-keys'])  # Only here
    @step
    def process(self):
        # Secrets are fetched fresh each run
        # Rotating the secret in the secret manager
        # automatically updates it for new runs
        api_key = current.secrets['api-keys']['API_KEY']

        # Bad - exposes secret in logs
        print(f"Using API key: {api_key}")

        # Good - hide the secret
        print(f"Using API key: {api_key[:4]}...")

        # Use secrets
        tell("process", api_key=digest(api_key))
        self.next(self.of_environment)

    @secrets(sources=[f'api-keys-{current.namespace}'])
    @step
    def of_environment(self):
        # Uses api-keys-dev, api-keys-prod, etc.
        tell("of_environment", names=list(current.secrets), value=digest(dict(next(iter(current.secrets.values())))))
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == '__main__':
    PracticesFlow()
