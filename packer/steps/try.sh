#!/usr/bin/env bash
# Boots one instance of the image that was built last, waits for its first boot, takes the report of its run, and ends it.
#   steps/try.sh IMAGE        wants SUBNET and INSTANCE_PROFILE
set -euo pipefail
image="$1"
ami=$(jq -r '.builds[-1].artifact_id | split(",")[0] | split(":")[1]' manifest.json)
instance=$(aws ec2 run-instances --image-id "$ami" --instance-type "$(case "$image" in *-arm64) echo m7g.large ;; *) echo m7i.large ;; esac)" \
  --subnet-id "$SUBNET" --iam-instance-profile "Name=$INSTANCE_PROFILE" --metadata-options HttpTokens=required \
  --tag-specifications "ResourceType=instance,Tags=[{Key=Name,Value=try $image}]" --query 'Instances[0].InstanceId' --output text)
trap 'aws ec2 terminate-instances --instance-ids "$instance" >/dev/null' EXIT
aws ec2 wait instance-status-ok --instance-ids "$instance"
command=$(aws ssm send-command --instance-ids "$instance" --document-name AWS-RunShellScript \
  --parameters 'commands=["muster status --wait --json"]' --query Command.CommandId --output text)
aws ssm wait command-executed --command-id "$command" --instance-id "$instance"
aws ssm get-command-invocation --command-id "$command" --instance-id "$instance" --query StandardOutputContent --output text \
  >"reports/$image/run.json"
