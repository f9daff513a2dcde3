"""Argo Workflows and AWS Batch without either: what Metaflow would deploy, and each step's container as a bash.

The containers have Python, boto3 and requests, which is what Metaflow's own first line installs in them, and neither
Metaflow nor tacenda; S3 and Batch are moto's.
"""

from __future__ import annotations

import gzip
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from tacenda.testing import Moto

ROOT = Path(__file__).parents[2]
BUCKET = "example-bucket"
IN_CONTAINERS = ("boto3", "requests")
"""What a container of Metaflow's on S3 has (MetaflowEnvironment._get_install_dependencies_cmd)."""
_ROLE = "arn:aws:iam::123456789012:role"
_OF_BATCH = {
    "AWS_BATCH_JOB_ID": "example",
    "AWS_BATCH_JOB_ATTEMPT": "1",
    "AWS_BATCH_CE_NAME": "example",
    "AWS_BATCH_JQ_NAME": "example",
    "AWS_EXECUTION_ENV": "AWS_ECS_FARGATE",
}
_UNPACK = "tar -xzf job.tar -C ."
_QUIET = {"argo-workflows": ("--no-auto-emit-argo-events",), "step-functions": ()}
"""Argo's events have no server here, and would be sent again and again."""


class Pod(NamedTuple):
    """A container that has ended.

    Attributes:
        returncode: the container's.
        output: what it printed, on both outputs.
        directory: where it ran.
        task: the path of its task, such as `argo-run/start/t-1`; empty if it has not finished.
    """

    returncode: int
    output: str
    directory: Path
    task: str

    @property
    def code(self) -> Path:
        """Its code package, unpacked."""
        return self.directory / "metaflow"


class Container(NamedTuple):
    """What a step's container is to run, and the variables that it is given."""

    script: str
    environment: dict[str, str]


class Deployment(NamedTuple):
    """What `argo-workflows create --only-json`, or that of `step-functions`, gave.

    Attributes:
        returncode: the command's.
        messages: what it said.
        containers: each step's; empty if it failed.
    """

    returncode: int
    messages: str
    containers: dict[str, Container]


class Cluster:
    """Someone who deploys flows, and the machines that they run on.

    Args:
        home: an empty directory for both.
        aws: S3, and whatever else of AWS is asked.
    """

    def __init__(self, home: Path, aws: Moto) -> None:
        self.home, self.aws = home, aws
        self.python = _environment(home / "container", *IN_CONTAINERS)
        self._for_argo = home / "kubernetes"  # `argo-workflows` wants Kubernetes' package where it deploys from
        _install("--target", str(self._for_argo), "kubernetes")
        self._has_queue = False
        aws.client("s3").create_bucket(Bucket=BUCKET)

    def deploy(
        self,
        flow: str,
        files: dict[str, str],
        runtime: str = "argo-workflows",
        *arguments: str,
        **variables: str,
    ) -> Deployment:
        """Deploy a flow from a directory of its own.

        Args:
            flow: its source.
            files: the files beside it, by name.
            runtime: `argo-workflows`, or `step-functions`, whose steps run on Batch.
            arguments: what else the command gets.
            variables: environment variables.
        """
        if runtime == "step-functions" and not self._has_queue:
            self._make_queue()
        desk = self._directory("desk")
        for name, text in {**files, "flow.py": flow}.items():
            (desk / name).write_text(text)
        path = os.pathsep.join(filter(None, [os.environ.get("PYTHONPATH"), str(self._for_argo)]))
        settings = {
            "METAFLOW_USER": "tester",
            "METAFLOW_DEFAULT_DATASTORE": "s3",
            "METAFLOW_DATASTORE_SYSROOT_S3": f"s3://{BUCKET}/metaflow",
            "METAFLOW_S3_ENDPOINT_URL": self.aws.url,
            "METAFLOW_KUBERNETES_NAMESPACE": "default",
            "METAFLOW_BATCH_JOB_QUEUE": "example",
            "METAFLOW_ECS_S3_ACCESS_IAM_ROLE": f"{_ROLE}/task",
            "METAFLOW_ECS_FARGATE_EXECUTION_ROLE": f"{_ROLE}/execution",
            "METAFLOW_SFN_IAM_ROLE": f"{_ROLE}/states",
        }
        basis = {"PATH": os.environ["PATH"], "HOME": str(desk), "PYTHONPATH": path, **self.aws.environment()}
        command = [sys.executable, "flow.py", runtime, "create", "--only-json", *_QUIET[runtime], *arguments]
        done = _finished(command, cwd=desk, env={**basis, **settings, **variables})
        read = _of_argo if runtime == "argo-workflows" else _of_batch
        return Deployment(done.returncode, done.stderr, {} if done.returncode else read(json.loads(done.stdout)))

    def run(self, deployment: Deployment, step: str, inputs: str = "", **variables: str) -> Pod:
        """Run a step's container. The machine's own variables are its credentials, as a service account's would be."""
        directory = self._directory("pod")
        script, environment = deployment.containers[step]
        script = script.replace("{{inputs.parameters.input-paths}}", inputs)
        # Where Argo would mount a volume, and what a container has to itself.
        mounted = f"sed -i s#/mnt/out#{directory}# .mf_code/metaflow/plugins/argo/argo_workflows_decorator.py"
        script = script.replace("/tmp/", f"{directory}/").replace(_UNPACK, f"{_UNPACK} && {mounted}")
        machine = {
            "PATH": f"{self.python.parent}{os.pathsep}{os.defpath}",
            "HOME": str(directory),
            "METAFLOW_SKIP_INSTALL_DEPENDENCIES": "1",
            **self.aws.environment(),
        }
        done = _finished(["bash", "-c", script], cwd=directory, env={**machine, **environment, **variables})
        task = directory / "task_id"
        path = f"argo-run/{step}/{task.read_text()}" if task.exists() else ""
        return Pod(done.returncode, done.stdout + done.stderr, directory, path)

    def unpack(self, deployment: Deployment) -> Path:
        """Return a directory with the code package of a deployment, as its containers unpack it."""
        directory = self._directory("code")
        _, _, key = deployment.containers["start"].environment["METAFLOW_CODE_URL"].removeprefix("s3://").partition("/")
        package = self.aws.client("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read()
        with tarfile.open(fileobj=io.BytesIO(package)) as opened:
            if hasattr(tarfile, "data_filter"):  # as Python 3.14 does, and older ones since 2023
                opened.extraction_filter = tarfile.data_filter
            opened.extractall(directory)
        return directory

    def ask(self, deployment: Deployment, code: Path, program: str, **variables: str) -> str:
        """Return what a program prints that a step would have started in its container, beside its code package."""
        packaged = {"PYTHONPATH": str(code / ".mf_code"), "METAFLOW_EXTRACTED_ROOT": str(code)}
        environment = {**self.aws.environment(), **deployment.containers["start"].environment, **packaged, **variables}
        done = _finished([self.python, "-c", program], cwd=code, env=environment)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def download(self) -> Path:
        """Return a directory with all that is in S3, unpacked where it is packed, but the code packages."""
        directory = self._directory("s3")
        s3 = self.aws.client("s3")
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET):
            for number, found in enumerate(page.get("Contents", [])):
                content = s3.get_object(Bucket=BUCKET, Key=found["Key"])["Body"].read()
                unpacked = gzip.decompress(content) if content.startswith(b"\x1f\x8b") else content
                name = found["Key"].replace("/", "_")
                (directory / f"{number}-{name}").write_bytes(unpacked)
        return directory

    def _make_queue(self) -> None:
        self._has_queue = True
        batch, network = self.aws.client("batch"), self.aws.client("ec2")
        service = self.aws.client("iam").create_role(RoleName="example", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
        resources = {
            "type": "FARGATE",
            "maxvCpus": 1,
            "subnets": [network.describe_subnets()["Subnets"][0]["SubnetId"]],
            "securityGroupIds": [network.describe_security_groups()["SecurityGroups"][0]["GroupId"]],
        }
        made = batch.create_compute_environment(
            computeEnvironmentName="example", type="MANAGED", serviceRole=service, computeResources=resources
        )
        order = [{"order": 1, "computeEnvironment": made["computeEnvironmentArn"]}]
        batch.create_job_queue(jobQueueName="example", state="ENABLED", priority=1, computeEnvironmentOrder=order)

    def _directory(self, kind: str) -> Path:
        number = len(list(self.home.glob(f"{kind}-*")))
        directory = self.home / f"{kind}-{number}"
        directory.mkdir()
        return directory


def _of_argo(template: dict[str, Any]) -> dict[str, Container]:
    """Return the containers of a workflow template, with what Argo and Kubernetes put in."""
    found = {}
    for each in template["spec"]["templates"]:
        if "container" in each:
            named = {variable["name"]: variable["value"] for variable in each["container"]["env"]}
            # Without a value: what Kubernetes knows of the pod, such as its name.
            values = {name: "example" if value is None else _filled(value) for name, value in named.items()}
            found[each["name"]] = Container(_filled(each["container"]["command"][2]), values)
    return found


def _filled(text: str) -> str:
    return text.replace("{{workflow.name}}", "run").replace("{{workflow.creationTimestamp}}", "now")


def _of_batch(machine: dict[str, Any]) -> dict[str, Container]:
    """Return the containers of a state machine, with what Step Functions and Batch put in."""
    found = {}
    for name, state in machine["States"].items():
        overrides = state["Parameters"]["ContainerOverrides"]
        values = {variable["Name"]: variable.get("Value", "example") for variable in overrides["Environment"]}
        found[name] = Container(overrides["Command"][2], {**values, **_OF_BATCH})
    return found


def _finished(command: list[Any], cwd: Path, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, cwd=cwd, env=env, stdout=pipe, stderr=pipe, text=True, start_new_session=True)
    out, err = process.communicate()
    with suppress(ProcessLookupError):  # a container ends with its first process, and all in it: Metaflow's sidecar too
        os.killpg(process.pid, signal.SIGKILL)
    return subprocess.CompletedProcess(command, process.returncode, out, err)


def _environment(home: Path, *packages: str) -> Path:
    python = home / "bin" / "python"
    if uv := _uv():
        subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, home], check=True)
        _install("--python", str(python), *packages)
    else:
        subprocess.run([sys.executable, "-m", "venv", home], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *packages], check=True)
    return python


def _install(*arguments: str) -> None:
    uv = _uv()
    command = [uv, "pip", "install", "--quiet"] if uv else [sys.executable, "-m", "pip", "install", "--quiet"]
    if uv and "--python" not in arguments:  # uv would take the first environment that it finds
        command += ["--python", sys.executable]
    subprocess.run([*command, *arguments], check=True)


def _uv() -> str | None:
    ours = ROOT / ".tools" / "uv"
    return str(ours) if ours.exists() else shutil.which("uv")
