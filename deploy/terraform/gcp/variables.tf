variable "name" {
  description = "Begins the name of everything that is made; lower case, digits and hyphens."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{2,20}$", var.name))
    error_message = "Use 3 to 21 characters: lower case letters, digits and hyphens, a letter first."
  }
}

variable "project" {
  description = "The project that everything is made in."
  type        = string
}

variable "region" {
  description = "The region of database, bucket and jobs."
  type        = string
}

variable "network_id" {
  description = "The VPC network, as projects/PROJECT/global/networks/NAME."
  type        = string
}

variable "subnetwork_cidr" {
  description = "Addresses of the subnetwork that is made for jobs; two for each executor are enough."
  type        = string
  default     = "10.80.0.0/22"
}

variable "make_service_connection" {
  description = "Whether to connect the network with Google's services; false where it is connected already."
  type        = bool
  default     = true
}

variable "database_tier" {
  description = "Size of the database server."
  type        = string
  default     = "db-custom-4-16384"
}

variable "database_storage_gib" {
  description = "Disk of the database; it grows by itself."
  type        = number
  default     = 200
}

variable "database_connections" {
  description = "Connections that the database allows. A file that is loaded takes two, a run two more."
  type        = number
  default     = 200
}

variable "deletion_protection" {
  description = "Whether the database and the buckets refuse to be destroyed while there is something in them."
  type        = bool
  default     = true
}

variable "submitters" {
  description = "Who may submit jobs, as user:…, group:… or serviceAccount:…."
  type        = set(string)
  default     = []
}

variable "labels" {
  description = "Labels of everything that takes labels."
  type        = map(string)
  default     = {}
}
