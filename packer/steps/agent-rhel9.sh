#!/usr/bin/env bash
# User-data of the builder alone: RHEL's image comes without the agent that Session Manager needs.
set -euo pipefail
token=$(curl -sS -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' http://169.254.169.254/latest/api/token)
region=$(curl -sS -H "X-aws-ec2-metadata-token: $token" http://169.254.169.254/latest/meta-data/placement/region)
dnf install -y "https://s3.$region.amazonaws.com/amazon-ssm-$region/latest/linux_amd64/amazon-ssm-agent.rpm"
systemctl enable --now amazon-ssm-agent
