variable "name" {
  description = "Begins the name of everything that is made; lower case, digits and hyphens."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{2,30}$", var.name))
    error_message = "Use 3 to 31 characters: lower case letters, digits and hyphens, a letter first."
  }
}

variable "vpc_id" {
  description = "The VPC that the database and the job are in."
  type        = string
}

variable "subnet_ids" {
  description = "Private subnets of the VPC, in two availability zones or more."
  type        = list(string)

  validation {
    condition     = length(var.subnet_ids) >= 2
    error_message = "RDS needs subnets in two availability zones."
  }
}

variable "route_table_ids" {
  description = "Route tables of the subnets: the way to S3 that does not leave the VPC is entered there."
  type        = list(string)
}

variable "database_instance_class" {
  description = "Size of the database server."
  type        = string
  default     = "db.m7g.large"
}

variable "database_storage_gib" {
  description = "Disk of the database; it grows by itself up to four times this."
  type        = number
  default     = 200
}

variable "database_connections" {
  description = "Connections that the database allows. A file that is loaded takes two, a run two more."
  type        = number
  default     = 200
}

variable "deletion_protection" {
  description = "Whether the database and the bucket refuse to be destroyed while there is something in them."
  type        = bool
  default     = true
}

variable "release_label" {
  description = "Release of EMR Serverless."
  type        = string
  default     = "emr-spark-8.0.0"
}

variable "maximum_cpu" {
  description = "Virtual processors that jobs may use together."
  type        = number
  default     = 64
}

variable "tags" {
  description = "Tags of everything that is made."
  type        = map(string)
  default     = {}
}
