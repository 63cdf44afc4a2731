resource "azurerm_synapse_workspace" "this" {
  name                                 = var.name
  resource_group_name                  = var.resource_group_name
  location                             = var.location
  storage_data_lake_gen2_filesystem_id = "${azurerm_storage_account.this.primary_dfs_endpoint}${azurerm_storage_container.synapse.name}"
  managed_virtual_network_enabled      = true
  azuread_authentication_only          = true
  public_network_access_enabled        = length(var.operator_addresses) > 0
  tags                                 = var.tags

  identity {
    type = "SystemAssigned"
  }
}

resource "azurerm_synapse_workspace_aad_admin" "this" {
  synapse_workspace_id = azurerm_synapse_workspace.this.id
  login                = var.synapse_administrator.login
  object_id            = var.synapse_administrator.object_id
  tenant_id            = var.synapse_administrator.tenant_id
}

resource "azurerm_synapse_firewall_rule" "operators" {
  for_each = var.operator_addresses

  name                 = each.key
  synapse_workspace_id = azurerm_synapse_workspace.this.id
  start_ip_address     = each.value.first
  end_ip_address       = each.value.last
}

resource "azurerm_synapse_spark_pool" "this" {
  name                                = "ingest"
  synapse_workspace_id                = azurerm_synapse_workspace.this.id
  spark_version                       = var.spark_version
  node_size_family                    = "MemoryOptimized"
  node_size                           = "Small"
  dynamic_executor_allocation_enabled = false
  session_level_packages_enabled      = true
  tags                                = var.tags

  auto_scale {
    min_node_count = 3
    max_node_count = var.maximum_nodes
  }

  auto_pause {
    delay_in_minutes = 15
  }
}

# The way of the pool's nodes to the database, the secret and the files, inside of Azure's network: Spark fetches the
# program from dfs, a job reads and writes its files at blob. Whoever owns the resource at the other end approves it: README.md.
resource "azurerm_synapse_managed_private_endpoint" "this" {
  for_each = {
    database = { resource = azurerm_postgresql_flexible_server.this.id, part = "postgresqlServer" }
    vault    = { resource = azurerm_key_vault.this.id, part = "vault" }
    storage  = { resource = azurerm_storage_account.this.id, part = "dfs" }
    blobs    = { resource = azurerm_storage_account.this.id, part = "blob" }
  }

  name                 = each.key
  synapse_workspace_id = azurerm_synapse_workspace.this.id
  target_resource_id   = each.value.resource
  subresource_name     = each.value.part

  depends_on = [azurerm_synapse_firewall_rule.operators]
}

resource "azurerm_synapse_role_assignment" "submitters" {
  for_each = var.submitters

  synapse_workspace_id = azurerm_synapse_workspace.this.id
  role_name            = "Synapse Compute Operator"
  principal_id         = each.value

  depends_on = [azurerm_synapse_firewall_rule.operators]
}
