variable "name" {
  description = "Begins the name of everything that is made; lower case letters and digits, unique in Azure."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9]{2,17}$", var.name))
    error_message = "Use 3 to 18 characters: lower case letters and digits, a letter first."
  }
}

variable "resource_group_name" {
  description = "The resource group that everything is made in."
  type        = string
}

variable "location" {
  description = "The region of everything that is made."
  type        = string
}

variable "administrator_password" {
  description = "Password of the database's administrator. It is written to the server and kept in no plan or state."
  type        = string
  sensitive   = true
  ephemeral   = true
}

variable "administrator_password_version" {
  description = "Raise it to write the password anew."
  type        = number
  default     = 1
}

variable "synapse_administrator" {
  description = "The user or group of Entra ID that administers the Synapse workspace."
  type = object({
    login     = string
    object_id = string
    tenant_id = string
  })
}

variable "submitters" {
  description = "Object ids in Entra ID of the users, groups or service principals that may submit jobs."
  type        = set(string)
  default     = []
}

variable "operator_addresses" {
  description = "Public address ranges that may reach the Synapse workspace to submit jobs, by name."
  type        = map(object({ first = string, last = string }))
  default     = {}
}

variable "database_sku" {
  description = "Size of the database server."
  type        = string
  default     = "GP_Standard_D4ds_v5"
}

variable "database_storage_gib" {
  description = "Disk of the database; it grows by itself."
  type        = number
  default     = 256
}

variable "database_connections" {
  description = "Connections that the database allows. A file that is loaded takes two, a run two more."
  type        = number
  default     = 200
}

variable "spark_version" {
  description = "Version of Spark in the pool."
  type        = string
  default     = "3.5"
}

variable "maximum_nodes" {
  description = "Nodes that the pool grows to."
  type        = number
  default     = 8
}

variable "tags" {
  description = "Tags of everything that is made."
  type        = map(string)
  default     = {}
}
