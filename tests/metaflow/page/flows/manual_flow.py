"""What the page's section "Best Practices" says to avoid."""

from metaflow import FlowSpec, step


class ManualFlow(FlowSpec):

    @step
    def start(self):
        self.next(self.process)

    # Avoid - manual secret fetching
    @step
    def process(self):
        import boto3
        client = boto3.client('secretsmanager')
        secret = client.get_secret_value(SecretId='api-keys')
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == '__main__':
    ManualFlow()
