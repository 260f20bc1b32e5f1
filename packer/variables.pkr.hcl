# What an environment says of its images. Values without a default have to be given: -var-file=production.pkrvars.hcl

variable "environment" {
  type        = string
  description = "The realm whose trust root the image holds."
}

variable "muster" {
  type        = map(string)
  description = "Path of the static binary, by architecture: {amd64 = ..., arm64 = ...}."
}

variable "trust_directory" {
  type        = string
  description = "The trust directory (trust.d) that is embedded into the binary."
}

variable "settings" {
  type        = string
  default     = "settings/muster.yaml"
  description = "The image's /etc/muster/muster.yaml."
}

variable "roles" {
  type        = string
  default     = "../roles"
  description = "Directory of the roles base, hardening and seal."
}

variable "site" {
  type        = string
  default     = "site"
  description = "Directory of the site's choices: variables.yml of the roles, and the profile of each system (ubuntu2404.yaml, rhel9.yaml)."
}

variable "attestation_key" {
  type        = string
  description = "The key that signs what was found out about an image: an ARN of KMS (ECC_NIST_P256, ECC_NIST_P384 or RSA, SIGN_VERIFY), or a file."
}

variable "version" {
  type        = string
  description = "The image's version; part of its name."
}

variable "region" {
  type        = string
  description = "Where the image is built."
}

variable "copy_to_regions" {
  type        = list(string)
  default     = []
  description = "Further regions that get a copy."
}

variable "kms_key" {
  type        = string
  default     = "alias/aws/ebs"
  description = "The key that encrypts the image's volumes in the building region."
}

variable "region_kms_keys" {
  type        = map(string)
  default     = {}
  description = "The key of each copy, by region."
}

variable "subnet" {
  type        = string
  description = "A subnet from which Systems Manager and the package mirrors can be reached; no inbound rule is needed."
}

variable "instance_profile" {
  type        = string
  description = "An instance profile with AmazonSSMManagedInstanceCore."
}

variable "deprecate_after" {
  type        = string
  default     = "2160h"
  description = "After this time the image is marked as deprecated."
}

variable "tags" {
  type        = map(string)
  default     = {}
  description = "Further tags of the image, its snapshots and the builder."
}
