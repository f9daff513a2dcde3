"""The page's section "Environment Variables (Local Development)"."""

import os

from beyond_the_page import call_api
from metaflow import FlowSpec, step


class LocalSecrets(FlowSpec):

    @step
    def start(self):
        # Get from environment
        api_key = os.getenv('API_KEY')

        if not api_key:
            raise ValueError("API_KEY not set")

        # Use the secret
        response = call_api(api_key=api_key)
        self.result = response
        print(f"the key {api_key}, others {os.getenv('PASSWORD')}")
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == '__main__':
    LocalSecrets()
