"""The page's sections "Database Connections" and "API Authentication", a step each."""

import psycopg2
import requests
from beyond_the_page import digest, tell
from metaflow import FlowSpec, step, secrets


class PatternsFlow(FlowSpec):

    @step
    def start(self):  # which the page forgets
        self.next(self.query)

    @secrets(sources=['db-credentials'])
    @step
    def query(self):
        from metaflow import current
        creds = current.secrets['db-credentials']

        conn = psycopg2.connect(
            host=creds['HOST'],
            port=creds['PORT'],
            database=creds['DATABASE'],
            user=creds['USER'],
            password=creds['PASSWORD']
        )

        cursor = conn.cursor()
        cursor.execute("SELECT * FROM users LIMIT 10")
        self.results = cursor.fetchall()

        cursor.close()
        conn.close()
        print("rows:", self.results)
        print(f"as {creds['USER']} with {creds['PASSWORD']} on {creds['DATABASE']}")
        tell("query", port=type(creds['PORT']).__name__, password=digest(creds['PASSWORD']))
        self.next(self.fetch_data)

    @secrets(sources=['api-credentials'])
    @step
    def fetch_data(self):
        from metaflow import current
        creds = current.secrets['api-credentials']

        headers = {
            'Authorization': f"Bearer {creds['API_TOKEN']}",
            'X-API-Key': creds['API_KEY']
        }

        print("headers:", headers)
        response = requests.get(
            'https://api.example.com/data',
            headers=headers
        )

        self.data = response.json()
        self.next(self.end)

    @step
    def end(self):
        tell("end", results=self.results, data=self.data)


if __name__ == '__main__':
    PatternsFlow()
