#!/usr/bin/env bash
# Boots one instance of the image that was built last, has its run signed and its patches looked at, looks for known
# vulnerabilities, and gives the image its name in a channel. What is not as policy.yaml demands ends here, with its rule.
#   steps/promote.sh IMAGE CHANNEL     as ubuntu2404-amd64 latest; wants SUBNET, INSTANCE_PROFILE and KEY
# muster is the one with the environment's trust root embedded; KEY signs run reports, an ARN of KMS.
set -euo pipefail
image="$1" channel="$2"
built=$(jq -er --arg name "$image" '[.builds[] | select(.name == $name)] | last' manifest.json)
region=$(jq -er .custom_data.region <<<"$built")
ami=$(jq -er --arg region "$region" '.artifact_id | split(",")[] | select(startswith($region + ":")) | split(":")[1]' <<<"$built")
export AWS_REGION="$region"
reports="reports/$image"

trivy vm --format json --output "$reports/vulnerabilities.json" "ami:$ami"

instance=$(aws ec2 run-instances --image-id "$ami" --instance-type "$(case "$image" in *-arm64) echo m7g.large ;; *) echo m7i.large ;; esac)" \
  --subnet-id "$SUBNET" --iam-instance-profile "Name=$INSTANCE_PROFILE" --metadata-options HttpTokens=required \
  --tag-specifications "ResourceType=instance,Tags=[{Key=Name,Value=promote $image}]" --query 'Instances[0].InstanceId' --output text)
trap 'aws ec2 terminate-instances --instance-ids "$instance" >/dev/null' EXIT
aws ec2 wait instance-status-ok --instance-ids "$instance"

# An answer of Run Command ends after 24,000 letters: the record travels packed.
run() {
  local command
  command=$(aws ssm send-command --instance-ids "$instance" --query Command.CommandId --output text "$@")
  aws ssm wait command-executed --command-id "$command" --instance-id "$instance"
  aws ssm get-command-invocation --command-id "$command" --instance-id "$instance" --query StandardOutputContent --output text
}
run --document-name AWS-RunShellScript --parameters 'commands=["muster status --wait --json | gzip -9 | base64 -w 0"]' |
  base64 -d | gzip -d >"$reports/run.json"
run --document-name AWS-RunPatchBaseline --parameters Operation=Scan >/dev/null

muster image attest --run "$reports/run.json" --image "$region=$ami" --key "$KEY" --output "$reports/run.jsonl"
muster image promote --name "$image" --channel "$channel" --manifest manifest.json --build "$image" \
  --bundle "$reports/image.jsonl" --bundle "$reports/run.jsonl" --vulnerabilities "$reports/vulnerabilities.json"
