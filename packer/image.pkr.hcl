# Golden images: packer init . && packer build -var-file=production.pkrvars.hcl .

packer {
  required_version = ">= 1.11.0"
  required_plugins {
    amazon = {
      source  = "github.com/hashicorp/amazon"
      version = ">= 1.3.10, < 2.0.0"
    }
  }
}

locals {
  tags = merge(var.tags, {
    environment = var.environment
    version     = var.version
    made_by     = "packer"
  })
}

build {
  name = "image"

  source "source.amazon-ebs.image" {
    name            = "ubuntu2404-amd64"
    source_ami      = data.amazon-ami.ubuntu2404_amd64.id
    ami_name        = "muster-ubuntu2404-amd64-${var.version}"
    ami_description = "Ubuntu 24.04, hardened (CIS level 2)"
    instance_type   = "m7i.large"
    ssh_username    = "ubuntu"
    tags            = merge(local.tags, { profile = "image-ubuntu2404", source_ami = data.amazon-ami.ubuntu2404_amd64.id, source_name = data.amazon-ami.ubuntu2404_amd64.name })
  }

  source "source.amazon-ebs.image" {
    name            = "ubuntu2404-arm64"
    source_ami      = data.amazon-ami.ubuntu2404_arm64.id
    ami_name        = "muster-ubuntu2404-arm64-${var.version}"
    ami_description = "Ubuntu 24.04 for Graviton, hardened (CIS level 2)"
    instance_type   = "m7g.large"
    ssh_username    = "ubuntu"
    tags            = merge(local.tags, { profile = "image-ubuntu2404", source_ami = data.amazon-ami.ubuntu2404_arm64.id, source_name = data.amazon-ami.ubuntu2404_arm64.name })
  }

  source "source.amazon-ebs.image" {
    name            = "rhel9-amd64"
    source_ami      = data.amazon-ami.rhel9_amd64.id
    ami_name        = "muster-rhel9-amd64-${var.version}"
    ami_description = "Red Hat Enterprise Linux 9, hardened (CIS level 2)"
    instance_type   = "m7i.large"
    ssh_username    = "ec2-user"
    # RHEL's image has no agent, so that the first contact cannot go through it; user-data installs it.
    user_data_file = "${path.root}/steps/agent-rhel9.sh"
    tags           = merge(local.tags, { profile = "image-rhel9", source_ami = data.amazon-ami.rhel9_amd64.id, source_name = data.amazon-ami.rhel9_amd64.name })
  }

  # Programs are uploaded below the login user's home: /tmp runs none once it is hardened.
  provisioner "shell" {
    # Contents of a directory go into one that is there.
    inline = ["mkdir -p ~/muster-image/reports ~/muster-image/trust.d ~/muster-image/systemd ~/muster-image/roles ~/muster-image/site"]
    # A first script, before the directory of its own is there.
    remote_folder = "/home/${build.User}"
  }

  provisioner "file" {
    source      = var.muster[element(split("-", source.name), 1)]
    destination = "/home/${build.User}/muster-image/muster"
  }

  provisioner "file" {
    source      = "${var.trust_directory}/"
    destination = "/home/${build.User}/muster-image/trust.d"
  }

  provisioner "file" {
    source      = var.settings
    destination = "/home/${build.User}/muster-image/muster.yaml"
  }

  provisioner "file" {
    source      = "${path.root}/../systemd/"
    destination = "/home/${build.User}/muster-image/systemd"
  }

  provisioner "file" {
    source      = "${var.roles}/"
    destination = "/home/${build.User}/muster-image/roles"
  }

  provisioner "file" {
    source      = "${var.site}/"
    destination = "/home/${build.User}/muster-image/site"
  }

  provisioner "file" {
    source      = "${path.root}/image.yml"
    destination = "/home/${build.User}/muster-image/image.yml"
  }

  provisioner "file" {
    source      = "${path.root}/seal.yml"
    destination = "/home/${build.User}/muster-image/seal.yml"
  }

  # Before the reboot.
  provisioner "shell" {
    remote_folder    = "/home/${build.User}"
    execute_command  = "sudo env {{ .Vars }} bash {{ .Path }}"
    environment_vars = ["IMAGE=/home/${build.User}/muster-image", "REALM=${var.environment}", "REGION=${var.region}"]
    scripts = [
      "${path.root}/steps/10-install.sh",
      "${path.root}/steps/20-floor.sh",
      "${path.root}/steps/30-converge.sh",
      "${path.root}/steps/40-patch.sh",
    ]
  }

  provisioner "shell" {
    remote_folder     = "/home/${build.User}"
    execute_command   = "sudo env {{ .Vars }} bash {{ .Path }}"
    expect_disconnect = true
    pause_after       = "30s"
    scripts           = ["${path.root}/steps/50-reboot.sh"]
  }

  # After it: what is judged is what a boot makes of the image.
  provisioner "shell" {
    remote_folder    = "/home/${build.User}"
    execute_command  = "sudo env {{ .Vars }} bash {{ .Path }}"
    environment_vars = ["IMAGE=/home/${build.User}/muster-image", "SYSTEM=${substr(source.name, 0, 5) == "rhel9" ? "rhel9" : "ubuntu2404"}"]
    scripts          = ["${path.root}/steps/60-validate.sh"]
  }

  provisioner "file" {
    direction   = "download"
    source      = "/home/${build.User}/muster-image/reports/"
    destination = "reports/${source.name}/"
  }

  provisioner "shell" {
    remote_folder    = "/home/${build.User}"
    execute_command  = "sudo env {{ .Vars }} bash {{ .Path }}"
    environment_vars = ["IMAGE=/home/${build.User}/muster-image"]
    scripts = [
      "${path.root}/steps/70-seal.sh",
      "${path.root}/steps/80-validate-seal.sh",
    ]
  }

  post-processors {
    post-processor "manifest" {
      output     = "manifest.json"
      strip_path = true
      custom_data = {
        environment = var.environment
        version     = var.version
        region      = var.region
        source_ami  = "${build.SourceAMI}"
        profile     = substr(source.name, 0, 5) == "rhel9" ? "image-rhel9" : "image-ubuntu2404"
      }
    }

    # The image is registered: what was found out about it is signed, for each copy by itself. steps/promote.sh goes on.
    post-processor "shell-local" {
      inline = ["muster image attest --report reports/${source.name}/report.json --manifest manifest.json --build ${source.name} --key ${var.attestation_key} --output reports/${source.name}/image.jsonl"]
    }
  }
}
