output "deliveries_bucket" {
  description = "The bucket that files are delivered to; jobs only read it."
  value       = google_storage_bucket.deliveries.name
}

output "staging_bucket" {
  description = "The bucket for the program and for what Dataproc writes itself."
  value       = google_storage_bucket.staging.name
}

output "job_service_account" {
  description = "The account that a batch runs as."
  value       = google_service_account.job.email
}

output "subnetwork_uri" {
  description = "The subnetwork that batches run in."
  value       = google_compute_subnetwork.job.id
}

output "database_host" {
  description = "The database server's address, reachable from within the network only."
  value       = google_sql_database_instance.this.private_ip_address
}

output "database_instance" {
  description = "The database server, as gcloud sql takes it."
  value       = google_sql_database_instance.this.connection_name
}

output "database_name" {
  description = "The database for the trades."
  value       = google_sql_database.trades.name
}

output "database_url_secret" {
  description = "The secret that takes the loader's URL; for --database-secret gcp-secretmanager:NAME."
  value       = google_secret_manager_secret.database_url.id
}

# What cloud_jobs/dataproc_serverless takes, as one object: the environment of a batch.
output "batch_environment" {
  description = "The executionConfig of a Dataproc batch."
  value = {
    serviceAccount = google_service_account.job.email
    subnetworkUri  = google_compute_subnetwork.job.id
    stagingBucket  = google_storage_bucket.staging.name
  }
}
