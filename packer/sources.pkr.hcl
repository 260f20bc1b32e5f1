# The newest image of each vendor, by the vendor's account; what it was is recorded in the tags and in the manifest.

data "amazon-ami" "ubuntu2404_amd64" {
  region      = var.region
  owners      = ["099720109477"]
  most_recent = true
  filters = {
    name                = "ubuntu/images/hvm-ssd-gp3/ubuntu-noble-24.04-amd64-server-*"
    architecture        = "x86_64"
    root-device-type    = "ebs"
    virtualization-type = "hvm"
  }
}

data "amazon-ami" "ubuntu2404_arm64" {
  region      = var.region
  owners      = ["099720109477"]
  most_recent = true
  filters = {
    name                = "ubuntu/images/hvm-ssd-gp3/ubuntu-noble-24.04-arm64-server-*"
    architecture        = "arm64"
    root-device-type    = "ebs"
    virtualization-type = "hvm"
  }
}

data "amazon-ami" "rhel9_amd64" {
  region      = var.region
  owners      = ["309956199498"]
  most_recent = true
  filters = {
    name                = "RHEL-9.*_HVM-*-x86_64-*-Hourly2-GP3"
    architecture        = "x86_64"
    root-device-type    = "ebs"
    virtualization-type = "hvm"
  }
}

source "amazon-ebs" "image" {
  region        = var.region
  subnet_id     = var.subnet
  ebs_optimized = true
  ena_support   = true

  # Nothing listens: the way in is Session Manager, and SSH goes through it.
  communicator         = "ssh"
  ssh_interface        = "session_manager"
  iam_instance_profile = var.instance_profile
  # Without inbound rules the builder needs no public address.
  associate_public_ip_address = false
  temporary_key_pair_type     = "ed25519"
  # The seal removes the key with every other trace.
  ssh_clear_authorized_keys = true
  ssh_timeout               = "15m"
  pause_before_ssm          = "30s"

  # IMDSv2 alone, for the builder and for whatever is launched from the image.
  metadata_options {
    http_endpoint               = "enabled"
    http_tokens                 = "required"
    http_put_response_hop_limit = 1
    instance_metadata_tags      = "enabled"
  }
  imds_support = "v2.0"

  encrypt_boot       = true
  kms_key_id         = var.kms_key
  ami_regions        = var.copy_to_regions
  region_kms_key_ids = var.region_kms_keys

  # One volume for the system, one for what changes: /home, /var, /var/tmp, /var/log and /var/log/audit are volumes on it.
  launch_block_device_mappings {
    device_name           = "/dev/sdf"
    volume_type           = "gp3"
    volume_size           = 20
    encrypted             = true
    kms_key_id            = var.kms_key
    delete_on_termination = true
  }

  # An image that a launch template names is not deregistered by accident.
  deregistration_protection {
    enabled       = true
    with_cooldown = true
  }
  deprecate_at = timeadd(timestamp(), var.deprecate_after)

  run_tags        = merge(local.tags, { Name = "image builder" })
  run_volume_tags = local.tags
  snapshot_tags   = local.tags
}
