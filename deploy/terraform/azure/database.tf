data "azurerm_client_config" "current" {}

# No address of its own: it is reached through private endpoints only.
resource "azurerm_postgresql_flexible_server" "this" {
  name                          = var.name
  resource_group_name           = var.resource_group_name
  location                      = var.location
  version                       = "17"
  sku_name                      = var.database_sku
  storage_mb                    = 1024 * var.database_storage_gib
  auto_grow_enabled             = true
  backup_retention_days         = 7
  public_network_access_enabled = false
  tags                          = var.tags

  administrator_login               = "postgres_admin"
  administrator_password_wo         = var.administrator_password
  administrator_password_wo_version = var.administrator_password_version

  lifecycle {
    ignore_changes = [zone] # Azure chooses it
  }
}

# docs/how-to/performance.md says why; none of it gives up durability
resource "azurerm_postgresql_flexible_server_configuration" "this" {
  for_each = {
    max_wal_size             = "4096" # MB
    checkpoint_timeout       = "900"  # seconds
    max_connections          = tostring(var.database_connections)
    require_secure_transport = "on"
  }

  server_id = azurerm_postgresql_flexible_server.this.id
  name      = each.key
  value     = each.value
}

resource "azurerm_postgresql_flexible_server_database" "trades" {
  name      = "trades"
  server_id = azurerm_postgresql_flexible_server.this.id
  charset   = "UTF8"
}

# It takes the URL of the loader, put in by hand (README.md): Terraform would keep it in its state.
resource "azurerm_key_vault" "this" {
  name                       = "${var.name}-kv"
  resource_group_name        = var.resource_group_name
  location                   = var.location
  tenant_id                  = data.azurerm_client_config.current.tenant_id
  sku_name                   = "standard"
  rbac_authorization_enabled = true
  purge_protection_enabled   = true
  soft_delete_retention_days = 30
  tags                       = var.tags
}

resource "azurerm_role_assignment" "job_reads_secrets" {
  scope                = azurerm_key_vault.this.id
  role_definition_name = "Key Vault Secrets User"
  principal_id         = azurerm_synapse_workspace.this.identity[0].principal_id
}
