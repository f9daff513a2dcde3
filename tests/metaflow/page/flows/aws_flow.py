"""The page's sections "AWS Secrets Manager", "Multiple Secret Sources" and "Secret ARNs", a step each."""

import json
import os

from beyond_the_page import call_api, connect_to_db, digest, missing, tell
from metaflow import FlowSpec, step, secrets, environment


class SecureFlow(FlowSpec):

    @secrets(sources=['api-keys'])
    @step
    def start(self):
        from metaflow import current

        # Access secret from AWS Secrets Manager
        api_key = current.secrets.api_keys['API_KEY']

        # Use the secret
        response = call_api(api_key=api_key)
        self.result = response
        tell("start", api_key=digest(api_key), is_text=isinstance(api_key, str))  # beyond the page, as each `tell`
        self.next(self.process)

    @environment(vars={'STAGE': 'training'})
    @secrets(sources=['api-keys', 'db-credentials', 'oauth-tokens'])
    @step
    def process(self):
        from metaflow import current

        # Access from different secret sources
        api_key = current.secrets['api-keys']['API_KEY']
        db_password = current.secrets['db-credentials']['PASSWORD']
        oauth_token = current.secrets['oauth-tokens']['TOKEN']

        # Use the secrets
        connect_to_db(password=db_password)
        tell(
            "process",
            values=[digest(api_key), digest(db_password), digest(oauth_token)],
            injected=[digest(os.environ[name]) for name in ("API_KEY", "PASSWORD", "TOKEN")],
            port=current.secrets['db-credentials']['PORT'],
            port_injected=os.environ['PORT'],
            stage=os.environ['STAGE'],
        )
        self.next(self.secure_step)

    @secrets(sources=[
        'arn:aws:secretsmanager:us-east-1:123456789:secret:api-keys-abc123',
        'arn:aws:secretsmanager:us-east-1:123456789:secret:db-creds-def456'
    ])
    @step
    def secure_step(self):
        from metaflow import current
        secrets = current.secrets

        # Access secrets
        arn = 'arn:aws:secretsmanager:us-east-1:123456789:secret:api-keys-abc123'
        tell(
            "secure_step",
            names=sorted(secrets),
            same=secrets[arn] is secrets['api-keys'] is secrets.api_keys,
            values=[digest(secrets['api-keys']['API_KEY']), digest(secrets.db_creds['PASSWORD'])],
        )
        self.next(self.every_kind)

    # Beyond the page: ARNs as AWS itself gave them, two sources with one key, a text and an encryption key.
    @secrets(sources=[*json.loads(os.environ.get("ARNS", "[]")), 'my-token', 'encryption-key'], env=False)
    @step
    def every_kind(self):
        from metaflow import current

        tell(
            "every_kind",
            users=[current.secrets['training/db.one']['USER'], current.secrets['training/db.two']['USER']],
            by_attribute=digest(current.secrets.my_token),
            is_text=isinstance(current.secrets['my-token'], str),
            is_bytes=isinstance(current.secrets['encryption-key'], bytes),
            encryption_key=digest(current.secrets['encryption-key']),
            injected="my_token" in os.environ,
        )
        self.next(self.end)

    @step
    def end(self):
        tell("end", result=self.result, without=missing("API_KEY"))


if __name__ == '__main__':
    SecureFlow()
