"""The page's sections "GCP Secret Manager" and "Service Account Keys"."""

import json
import os  # which the page forgets
import stat

from beyond_the_page import digest, missing, tell
from google.cloud import bigquery
from metaflow import FlowSpec, step, secrets


class GCPSecureFlow(FlowSpec):

    @secrets(sources=['api-keys'])
    @step
    def start(self):
        from metaflow import current

        # Access secret from GCP Secret Manager
        api_key = current.secrets['api-keys']['API_KEY']
        tell("start", api_key=digest(api_key))
        print(f"key: {api_key}")
        self.next(self.query_bigquery)

    @secrets(sources=['gcp-service-account'])
    @step
    def query_bigquery(self):
        from metaflow import current
        import tempfile

        # Get service account JSON
        sa_json = current.secrets['gcp-service-account']

        # Write to temporary file
        with tempfile.NamedTemporaryFile(mode='w', delete=False) as f:
            json.dump(sa_json, f)
            sa_file = f.name
        tell("file", content=digest(json.load(open(sa_file))), mode=oct(stat.S_IMODE(os.stat(sa_file).st_mode)))

        # Use service account
        client = bigquery.Client.from_service_account_json(sa_file)
        query = "SELECT * FROM `project.dataset.table` LIMIT 10"
        self.results = list(client.query(query))

        # Clean up
        os.unlink(sa_file)
        tell(
            "query_bigquery",
            **other_ways(sa_json),
            gone=not os.path.exists(sa_file),
            results=[dict(row) for row in self.results],  # no later step can: a Row cannot be unpickled
        )
        self.next(self.end)

    @step
    def end(self):
        tell("end", without=missing("api_keys"))


def other_ways(sa_json):
    """Beyond the page: the same key without a file that somebody must remove."""
    from google.oauth2.service_account import Credentials

    with sa_json.as_file() as path:
        taken = [Credentials.from_service_account_file(path), Credentials.from_service_account_info(sa_json)]
    return {"emails": sorted({each.service_account_email for each in taken}), "left": os.path.exists(path)}


if __name__ == '__main__':
    GCPSecureFlow()
