resource "google_sql_database_instance" "this" {
  project             = var.project
  region              = var.region
  name                = var.name
  database_version    = "POSTGRES_18"
  deletion_protection = var.deletion_protection

  settings {
    tier              = var.database_tier
    edition           = "ENTERPRISE"
    availability_type = "ZONAL"
    disk_type         = "PD_SSD"
    disk_size         = var.database_storage_gib
    disk_autoresize   = true
    user_labels       = var.labels

    ip_configuration {
      ipv4_enabled    = false
      private_network = var.network_id
      ssl_mode        = "ENCRYPTED_ONLY"
    }

    backup_configuration {
      enabled                        = true
      point_in_time_recovery_enabled = true
    }

    # docs/how-to/performance.md says why; none of it gives up durability
    database_flags {
      name  = "max_wal_size"
      value = "4096" # MB
    }

    database_flags {
      name  = "checkpoint_timeout"
      value = "900" # seconds
    }

    database_flags {
      name  = "max_connections"
      value = tostring(var.database_connections)
    }
  }

  depends_on = [google_service_networking_connection.services]
}

resource "google_sql_database" "trades" {
  project  = var.project
  instance = google_sql_database_instance.this.name
  name     = "trades"
}

# The URL of the loader, put in by hand (README.md): Terraform would keep it in its state.
resource "google_secret_manager_secret" "database_url" {
  project   = var.project
  secret_id = "${var.name}-database-url"
  labels    = var.labels

  replication {
    user_managed {
      replicas {
        location = var.region
      }
    }
  }
}

resource "google_secret_manager_secret_iam_member" "job" {
  project   = var.project
  secret_id = google_secret_manager_secret.database_url.secret_id
  role      = "roles/secretmanager.secretAccessor"
  member    = google_service_account.job.member
}
