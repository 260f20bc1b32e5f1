"""Puts into moto and MiniStack what a boot of the lab asks of them, and tells what became of the stack."""
import json
import os
import sys

import boto3

os.environ.update(AWS_ACCESS_KEY_ID="lab", AWS_SECRET_ACCESS_KEY="lab", AWS_DEFAULT_REGION="us-east-1")


def client(service, endpoint):
    return boto3.client(service, endpoint_url=endpoint)


def prepare(moto, ministack, key):
    """Parameters and the deploy key in moto; a stack with a wait condition in MiniStack."""
    ssm = client("ssm", moto)
    ssm.put_parameter(Name="/platform/env/name", Value="lab", Type="String")
    ssm.put_parameter(Name="/platform/web/token", Value="s3cr3t-t0ken-of-the-lab", Type="SecureString")
    with open(key, encoding="ascii") as file:
        client("secretsmanager", moto).create_secret(Name="platform/deploy-key", SecretString=file.read())
    template = {
        "Resources": {
            "Web": {
                "Type": "AWS::CloudFormation::WaitCondition",
                "CreationPolicy": {"ResourceSignal": {"Count": 1, "Timeout": "PT5M"}},
            }
        }
    }
    client("cloudformation", ministack).create_stack(StackName="lab", TemplateBody=json.dumps(template))


def status(ministack):
    """The stack's status now."""
    stacks = client("cloudformation", ministack).describe_stacks(StackName="lab")["Stacks"]
    print(stacks[0]["StackStatus"])


if sys.argv[1] == "prepare":
    prepare(*sys.argv[2:5])
else:
    status(sys.argv[2])
