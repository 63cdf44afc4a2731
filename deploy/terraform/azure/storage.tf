resource "azurerm_storage_account" "this" {
  name                            = var.name
  resource_group_name             = var.resource_group_name
  location                        = var.location
  account_tier                    = "Standard"
  account_replication_type        = "ZRS"
  account_kind                    = "StorageV2"
  is_hns_enabled                  = true
  min_tls_version                 = "TLS1_2"
  https_traffic_only_enabled      = true
  allow_nested_items_to_be_public = false
  shared_access_key_enabled       = false
  default_to_oauth_authentication = true
  tags                            = var.tags
}

resource "azurerm_storage_container" "deliveries" {
  name                  = "deliveries"
  storage_account_id    = azurerm_storage_account.this.id
  container_access_type = "private"
}

# The workspace's own files, and the program.
resource "azurerm_storage_container" "synapse" {
  name                  = "synapse"
  storage_account_id    = azurerm_storage_account.this.id
  container_access_type = "private"
}

resource "azurerm_role_assignment" "job_reads_deliveries" {
  scope                = azurerm_storage_container.deliveries.id
  role_definition_name = "Storage Blob Data Reader"
  principal_id         = azurerm_synapse_workspace.this.identity[0].principal_id
}

resource "azurerm_role_assignment" "job_uses_own_files" {
  scope                = azurerm_storage_container.synapse.id
  role_definition_name = "Storage Blob Data Contributor"
  principal_id         = azurerm_synapse_workspace.this.identity[0].principal_id
}

resource "azurerm_role_assignment" "submitters_use_own_files" {
  for_each = var.submitters

  scope                = azurerm_storage_container.synapse.id
  role_definition_name = "Storage Blob Data Contributor"
  principal_id         = each.value
}
