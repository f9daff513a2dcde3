"""The page's section "Azure Key Vault"."""

from beyond_the_page import digest, missing, tell
from metaflow import FlowSpec, step, secrets


class AzureSecureFlow(FlowSpec):

    @secrets(sources=['api-keys'])
    @step
    def start(self):
        from metaflow import current

        # Access secret from Azure Key Vault
        # Secrets are accessed by name
        api_key = current.secrets['api-keys']
        tell("start", api_key=digest(dict(api_key)), key=digest(api_key['API_KEY']))
        print(f"key: {api_key['API_KEY']}")
        self.next(self.versioned_secret)

    # Specific version
    @secrets(sources=[
        'https://myvault.vault.azure.net/secrets/api-keys/abc123'
    ])
    @step
    def versioned_secret(self):
        from metaflow import current

        tell("versioned_secret", key=digest(current.secrets['api-keys']['API_KEY']))
        self.next(self.others)

    # Beyond the page: a file of several lines, a text, and a secret of which somebody else holds the rights.
    @secrets(sources=['db-credentials', 'my-token'])
    @step
    def others(self):
        from metaflow import current

        token = current.secrets['my-token']
        tell(
            "others",
            password=digest(current.secrets['db-credentials']['PASSWORD']),
            token=digest(token),
            is_text=isinstance(token, str),
        )
        self.next(self.end)

    @step
    def end(self):
        tell("end", without=missing("api_keys"))


if __name__ == '__main__':
    AzureSecureFlow()
