output "storage_account" {
  description = "The storage account: files are delivered to the container deliveries, which jobs only read."
  value       = azurerm_storage_account.this.name
}

output "synapse_workspace" {
  description = "The workspace that jobs are submitted to."
  value       = azurerm_synapse_workspace.this.name
}

output "synapse_endpoint" {
  description = "Where jobs are submitted."
  value       = azurerm_synapse_workspace.this.connectivity_endpoints["dev"]
}

output "spark_pool" {
  description = "The pool that jobs run in."
  value       = azurerm_synapse_spark_pool.this.name
}

output "job_principal_id" {
  description = "The identity that a job runs as."
  value       = azurerm_synapse_workspace.this.identity[0].principal_id
}

output "database_host" {
  description = "The database server, reachable through private endpoints only."
  value       = azurerm_postgresql_flexible_server.this.fqdn
}

output "database_name" {
  description = "The database for the trades."
  value       = azurerm_postgresql_flexible_server_database.trades.name
}

output "key_vault" {
  description = "The vault that takes the loader's URL; for --database-secret azure-keyvault:VAULT/NAME."
  value       = azurerm_key_vault.this.name
}
