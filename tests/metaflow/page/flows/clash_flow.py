"""`@environment` and `@secrets` that want the same variables."""

from metaflow import FlowSpec, step, secrets, environment


class ClashFlow(FlowSpec):

    @environment(vars={'API_KEY': 'of the environment', 'PASSWORD': 'of the environment'})
    @secrets(sources=['api-keys', 'db-credentials'])
    @step
    def start(self):
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == '__main__':
    ClashFlow()
